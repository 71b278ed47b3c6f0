"""Small modules, one for each mechanism of a plan; the functions build them.

Also examples of what the recorder understands: to_plan.py --model models.py:weight_norm …
"""

import copy
import math

import torch
from torch import nn


def transformers_model(class_name, dtype=None, **config):
    """A transformers model of a config."""
    import transformers

    cls = getattr(transformers, class_name)
    kwargs = {"dtype": getattr(torch, dtype)} if dtype else {}
    return cls._from_config(cls.config_class(**config), **kwargs)


def gpt2():
    """Ties: the head is the embedding; what is saved has it once."""
    return transformers_model("GPT2LMHeadModel", vocab_size=23, n_positions=9, n_embd=12, n_layer=1, n_head=2)


def mamba():
    """The dt_bias chain, a literal (A_log), an embedding."""
    return transformers_model("MambaForCausalLM", vocab_size=23, hidden_size=12, num_hidden_layers=1, state_size=4, expand=2, time_step_rank=3)


def mixtral():
    """Stacked experts that are saved one by one."""
    return transformers_model("MixtralForCausalLM", vocab_size=23, hidden_size=16, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2,
                              num_key_value_heads=1, num_local_experts=3, num_experts_per_tok=2, head_dim=8, max_position_embeddings=16)


def deepseek_v3():
    """bfloat16 with routers in float32."""
    return transformers_model("DeepseekV3ForCausalLM", dtype="bfloat16", vocab_size=23, hidden_size=16, intermediate_size=20, moe_intermediate_size=9,
                              num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, n_shared_experts=1, n_routed_experts=4,
                              kv_lora_rank=5, q_lora_rank=6, qk_rope_head_dim=4, v_head_dim=7, qk_nope_head_dim=3, n_group=2, topk_group=1,
                              num_experts_per_tok=2, first_k_dense_replace=1, max_position_embeddings=16)


def modernbert():
    """Tight truncated normals."""
    return transformers_model("ModernBertForMaskedLM", vocab_size=23, hidden_size=16, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2,
                              max_position_embeddings=16, pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2)


class WeightNorm(nn.Module):
    """Norms with the innermost dimension kept (wav2vec2) and reduced (encodec), lengths with every kind of rest."""

    def __init__(self):
        super().__init__()
        norm = nn.utils.parametrizations.weight_norm
        self.last = norm(nn.Conv1d(6, 8, 5), name="weight", dim=2)
        self.first = nn.ModuleList(norm(nn.Conv1d(n, 4, 3), name="weight", dim=0) for n in (1, 3, 5, 8, 21))
        self.middle = norm(nn.Conv2d(4, 3, (2, 3)), name="weight", dim=1)


class Orthogonal(nn.Module):
    """Orthogonal matrices: drawn exactly, valued by nobody's promise; a discarded one, a wide one, a gain."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(5, 7)
        self.head = nn.Linear(9, 4)
        nn.init.orthogonal_(self.rnn.weight_hh_l0, gain=1.5)
        nn.init.orthogonal_(self.head.weight)
        nn.init.orthogonal_(self.rnn.weight_ih_l0)
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0)


class Literals(nn.Module):
    """Tables, masks, counters, special values; ties of buffers; a scalar; an empty tensor."""

    def __init__(self):
        super().__init__()
        place = torch.arange(12.0)[:, None] * torch.exp(torch.arange(0, 6, 2) * -(math.log(10000.0) / 6))
        self.register_buffer("table", torch.cat([place.sin(), place.cos()], 1))
        self.register_buffer("index", torch.arange(9).view(3, 3) - 4)
        self.register_buffer("mask", torch.ones(4, 4, dtype=torch.bool).tril())
        self.register_buffer("bias", torch.full((4, 4), -math.inf).triu(1))
        self.register_buffer("minus", torch.tensor(-0.0).expand(3).clone())
        self.register_buffer("lost", torch.full((2,), math.nan))
        self.register_buffer("huge", torch.tensor(torch.finfo(torch.float32).max))
        self.register_buffer("steps", torch.tensor(-1, dtype=torch.int64))
        self.register_buffer("bytes", torch.arange(7, dtype=torch.uint8))
        self.register_buffer("short", torch.linspace(-1, 1, 5).to(torch.bfloat16))
        self.register_buffer("nothing", torch.empty(0, 3))
        self.norm = nn.BatchNorm1d(5)
        self.again = self.norm
        self.linear = nn.Linear(5, 3)


class Generators(nn.Module):
    """Streams of their own: one with a number, one with the plan's seed (made with --marker MARKER), reseeded."""

    def __init__(self):
        super().__init__()
        g, h, k = (torch.Generator().manual_seed(s) for s in (7, MARKER, 2**32 + 3))
        self.a = nn.Parameter(torch.randn(5, 7, generator=g))
        self.b = nn.Parameter(torch.empty(40).uniform_(-1, 2, generator=h))
        self.c = nn.Parameter(torch.randn(3, 2))
        self.d = nn.Parameter(torch.empty(3).normal_(1, 0.5, generator=g))
        nn.init.trunc_normal_(self.c, std=0.5, a=-0.5, b=0.5, generator=k)
        h.manual_seed(99)
        self.e = nn.Parameter(torch.rand(6, generator=h))
        self.f = nn.Parameter(torch.rand(2, 3, generator=g))


class SaveLoad(nn.Module):
    """fork_rng, get_rng_state, manual_seed: states of the stream with a cached normal in them."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.randn(3))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            self.b = nn.Parameter(torch.randn(5))
            self.c = nn.Linear(3, 4)
        self.d = nn.Parameter(torch.randn(3))
        state = torch.get_rng_state()
        self.e = nn.Parameter(torch.randn(20))
        torch.set_rng_state(state)
        self.f = nn.Parameter(torch.rand(20))
        torch.manual_seed(MARKER)
        self.g = nn.Parameter(torch.randn(2))


class Copies(nn.Module):
    """Copied and moved values: a target network, a temporary, parts, transposes, a cat, a cast, a broadcast."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2))
        self.target = copy.deepcopy(self.net)
        self.embed = nn.Embedding(7, 4, padding_idx=2)
        with torch.no_grad():
            self.net[2].weight.mul_(0.5)
            self.net[0].weight.copy_(torch.randn(6, 4) * 0.25)
        self.joined = nn.Parameter(torch.cat([torch.randn(2, 3), torch.zeros(1, 3), torch.rand(2, 3)]))
        self.turned = nn.Parameter(torch.randn(4, 3).t().contiguous())
        self.view = nn.Parameter(self.joined.data[1:4, :2])
        self.rows = nn.Parameter(torch.randn(3).expand(4, 3).clone())
        self.part = nn.Parameter(torch.zeros(5, 4))
        with torch.no_grad():
            self.part[2:4].uniform_(-3, 3)
            self.part[:, 1].fill_(-0.0)
        self.cast = nn.Parameter(torch.randn(5, 5).to(torch.bfloat16))


class Functions(nn.Module):
    """Every elementwise step, in place and out of place; torch 2.11's trunc_normal written out."""

    def __init__(self):
        super().__init__()
        u = torch.rand(33) * 3 + 0.5
        self.sqrt = nn.Parameter(u.sqrt())
        self.log = nn.Parameter(u.log())
        self.log1p = nn.Parameter(torch.log1p(u))
        self.exp = nn.Parameter(torch.exp(-u))
        self.expm1 = nn.Parameter(torch.expm1(u - 1))
        self.abs = nn.Parameter(torch.randn(33).abs())
        self.arithmetic = nn.Parameter(1 - (u / 0.7 + 2 * u.neg()) * u)
        self.ratio = nn.Parameter((1 / u).clamp(0.4, 1.25))
        self.scaled = nn.Parameter(torch.randn(33).add_(u, alpha=-0.5).clamp_(min=-1))
        self.table = nn.Parameter(torch.rand(11, 3) * torch.linspace(0.1, 1, 3))
        h = torch.rand(300, dtype=torch.bfloat16)
        self.short = nn.Parameter((h * 0.3 + 0.1) / 0.7 - h)
        self.short_log = nn.Parameter((h + 0.01).log().clamp(-1.3, -0.1))
        self.fp16 = nn.Parameter((1 / (torch.randn(64, dtype=torch.float16) * 0.37)).clamp(-3.3, 7))
        self.wide = nn.Parameter(torch.rand(20, dtype=torch.float64) * 0.3 - 0.1)
        self.widened = nn.Parameter(torch.rand(9, dtype=torch.bfloat16) + torch.rand(9))
        self.truncated = nn.Parameter(torch.empty(7, 9).uniform_(-1, 1).erfinv_().mul_(0.02 * math.sqrt(2)).add_(0.0).clamp_(-0.04, 0.04))


class Kinds(nn.Module):
    """Draws of every type and kind: float64, halves, fewer than 16 elements, sparse, dirac, eye, discards."""

    def __init__(self):
        super().__init__()
        for kind in (torch.float64, torch.bfloat16, torch.float16):
            for n in (3, 16, 37):
                name = f"{str(kind)[6:]}_{n}"
                self.register_parameter(name + "_normal", nn.Parameter(torch.empty(n, dtype=kind).normal_(0.5, 2)))
                self.register_parameter(name + "_uniform", nn.Parameter(torch.empty(n, dtype=kind).uniform_(-0.3, 0.7)))
                torch.empty(n, dtype=kind).normal_()
        self.sparse = nn.Parameter(nn.init.sparse_(torch.empty(7, 5), 0.3, 0.1))
        self.dirac = nn.Parameter(nn.init.dirac_(torch.empty(4, 3, 3)))
        self.eye = nn.Parameter(nn.init.eye_(torch.empty(3, 5)))
        self.truncated = nn.Parameter(nn.init.trunc_normal_(torch.empty(4, 5), 0.1, 1.0, -0.5, 1.5))
        nn.init.trunc_normal_(torch.empty(5, 5), std=1.0, a=-1, b=1)
        self.after = nn.Parameter(torch.randn(2))
        self.one = nn.Parameter(torch.randn(()))


MARKER = 4242  # the seed that stands for the plan's, in Generators and SaveLoad

CASES = {"gpt2": gpt2, "mamba": mamba, "mixtral": mixtral, "deepseek_v3-bfloat16": deepseek_v3, "modernbert": modernbert,
         "weight_norm": WeightNorm, "orthogonal": Orthogonal, "literals": Literals, "generators": Generators,
         "save_load": SaveLoad, "copies": Copies, "functions": Functions, "kinds": Kinds}
