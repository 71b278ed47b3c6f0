"""The identity: right arithmetic, and a certificate that OpenSSL takes."""

import ssl
import tempfile
import unittest

from weightinit_plugin import _certificate as c


class Arithmetic(unittest.TestCase):
    def test_multiples_of_the_base_point_are_those_of_the_standard(self):
        # From the NIST point multiplication vectors for P-256.
        known = {
            1: 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            2: 0x7CF27B188D034F7E8A52380304B51AC3C08969E277F21B35A60B48FC47669978,
            3: 0x5ECBE4D1A6330A44C8F7EF951D4BF165E6C6B721EFADA985FB41661BC6E7FD6C,
            112233445566778899: 0x339150844EC15234807FE862A86BE77977DBFB3AE3D96F4C22795513AEAAB82F,
        }
        for k, x in known.items():
            self.assertEqual(c.multiply_g(k)[0], x, k)
        self.assertEqual(c.multiply_g(c._N - 1), (c._G[0], c._P - c._G[1]))

    def test_every_multiple_lies_on_the_curve(self):
        b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
        for k in (5, 1 << 200, c._N // 2, c._scalar()):
            x, y = c.multiply_g(k)
            self.assertEqual((x**3 - 3 * x + b - y * y) % c._P, 0)

    def test_lengths_and_signs_of_der(self):
        self.assertEqual(c._integer(0), b"\x02\x01\x00")
        self.assertEqual(c._integer(0x7F), b"\x02\x01\x7f")
        self.assertEqual(c._integer(0x80), b"\x02\x02\x00\x80")
        self.assertEqual(c._der(4, bytes(127))[:2], b"\x04\x7f")
        self.assertEqual(c._der(4, bytes(128))[:3], b"\x04\x81\x80")
        self.assertEqual(c._der(4, bytes(256))[:4], b"\x04\x82\x01\x00")

    def test_dates_from_2050_on_have_four_digits(self):
        self.assertEqual(c._date(0), b"\x17\x0d700101000000Z")
        self.assertEqual(c._date(2524608000), b"\x18\x0f20500101000000Z")


class Handshake(unittest.TestCase):
    def test_openssl_accepts_it_on_both_sides(self):
        for _ in range(5):  # signatures differ in length
            key, chain, der = c.make_identity()
            self.assertEqual(ssl.PEM_cert_to_DER_cert(chain.decode()), der)
            self.assertEqual(self.handshake(key, chain), der)

    def handshake(self, key: bytes, chain: bytes) -> bytes:
        """Connects to itself in memory and returns the server's certificate."""
        with tempfile.NamedTemporaryFile() as f:
            f.write(key + chain)
            f.flush()
            sides = []
            for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
                context = ssl.SSLContext(protocol)
                context.load_cert_chain(f.name)
                context.load_verify_locations(f.name)
                context.verify_mode = ssl.CERT_REQUIRED
                sides.append(context)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = sides[0].wrap_bio(to_server, to_client, server_side=True)
        client = sides[1].wrap_bio(to_client, to_server, server_hostname="localhost")
        open_ends = [server, client]
        for _ in range(10):
            for end in list(open_ends):
                try:
                    end.do_handshake()
                    open_ends.remove(end)
                except ssl.SSLWantReadError:
                    pass
        self.assertEqual(open_ends, [])
        self.assertEqual(client.version(), "TLSv1.3")
        return client.getpeercert(binary_form=True)

    def test_two_identities_differ(self):
        self.assertNotEqual(c.make_identity()[2], c.make_identity()[2])
