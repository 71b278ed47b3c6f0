//go:build linux

package plugins

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

func floats(first, n uint64) []byte {
	out := make([]byte, 0, 4*n)
	for i := range n {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(first+i)))
	}
	return out
}

// forever is longer than any test waits.
func forever() { time.Sleep(time.Minute) }

// acts are the programs that the test binary can be. Those that are named by a
// hazard do what the table of hazards says.
var acts map[string]func(args []string)

func init() {
	acts = map[string]func(args []string){
		"good": func([]string) { serve(&server{}) },
		"deaf": func([]string) { serveDeaf(&server{}) },

		// before the handshake
		"silent": func([]string) { forever() },
		"exit": func(args []string) {
			for _, line := range args[1:] {
				fmt.Fprintln(os.Stderr, line)
			}
			code, _ := strconv.Atoi(args[0])
			os.Exit(code)
		},
		"line":        actLine,
		"closestdout": func([]string) { os.Stdout.Close(); forever() },
		"halfline":    func([]string) { fmt.Print("1|1|unix|"); os.Stdout.Close(); forever() },
		"megabyte": func([]string) {
			_, _ = os.Stdout.Write(bytes.Repeat([]byte("x"), 1<<20))
			forever()
		},
		"ignore": func([]string) { ignoreSignals(); forever() },
		"fork": func([]string) {
			for range 3 {
				_ = startChild("silent", false, os.Environ())
			}
			fmt.Println("Welcome")
			forever()
		},
		"daemon": func([]string) { _ = startChild("silent", true, os.Environ()); os.Exit(0) },

		// between the handshake and the first call
		"accept":   func([]string) { announce(func(l net.Listener) { acceptAll(l, func(net.Conn) { forever() }) }) },
		"noaccept": func([]string) { announce(func(net.Listener) { forever() }) },
		"hangup":   func([]string) { announce(func(l net.Listener) { acceptAll(l, func(c net.Conn) { c.Close() }) }) },
		"breaktls": func([]string) {
			announce(func(l net.Listener) {
				acceptAll(l, func(c net.Conn) {
					_, _ = c.Write([]byte("220 mail ready\r\n"))
					time.Sleep(50 * time.Millisecond)
					c.Close()
				})
			})
		},
		"plaingrpc": func([]string) {
			announce(func(l net.Listener) { _ = bare(nil, true, &server{}).Serve(l) })
		},
		"othercert": func([]string) {
			serveOwn(ownCert(time.Hour, "localhost"), func(c credentials.TransportCredentials) *grpc.Server { return bare(c, true, &server{}) }, ownCert(time.Hour, "localhost"))
		},
		"nohealth":   func([]string) { serveOwnServer(false, &server{}) },
		"notserving": func([]string) { serveOwnServer(true, &server{}, grpc_health_v1.HealthCheckResponse_NOT_SERVING) },
		"nomode":     func([]string) { serveOwnServer(true, nil) },
		"endafter":   func([]string) { announce(func(net.Listener) { fmt.Fprintln(os.Stderr, "out of luck"); os.Exit(5) }) },
		"nonsense": func([]string) {
			serveHTTP(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>not gRPC</html>")) })
		},
		"http500": func([]string) { serveHTTP(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }) },
		"claims4g": func([]string) {
			serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				if healthOK(w, r) {
					return
				}
				w.Header().Set("Content-Type", "application/grpc")
				_, _ = w.Write([]byte{0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3})
				w.(http.Flusher).Flush()
				forever()
			})
		},
		"garbagebody": func([]string) {
			serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				if healthOK(w, r) {
					return
				}
				grpcReply(w, []byte("\xff\xff\xff\xff\xff\xff"))
			})
		},
		"bigtrailer": func([]string) {
			serveHTTP(func(w http.ResponseWriter, r *http.Request) {
				if healthOK(w, r) {
					return
				}
				w.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
				w.Header().Set("Content-Type", "application/grpc")
				w.WriteHeader(200)
				w.Header().Set("Grpc-Status", "13")
				w.Header().Set("Grpc-Message", strings.Repeat("%1B[2J", 1<<16))
			})
		},

		// in a call
		"describe": func(args []string) {
			serve(&server{describe: trouble[*modev1.DescribeRequest, *modev1.DescribeReply](args)})
		},
		"assign": func(args []string) { serve(&server{assign: trouble[*modev1.AssignRequest, *modev1.AssignReply](args)}) },
		"fill":   actFill,
		"named": func(args []string) {
			serve(&server{describe: func(context.Context, *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
				d := goodDescription()
				d.Name, d.Version = args[0], args[1]
				return d, nil
			}})
		},
		"onemode": func([]string) {
			serve(&server{describe: func(context.Context, *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
				d := goodDescription()
				d.Modes = d.Modes[:1]
				return d, nil
			}})
		},
		"short": func([]string) {
			serve(&server{assign: func(context.Context, *modev1.AssignRequest) (*modev1.AssignReply, error) {
				return &modev1.AssignReply{}, nil
			}})
		},
		"huge": func([]string) {
			serveOwnServer(true, &server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
				reply := goodReply(req)
				reply.Dists[0].Formula = strings.Repeat("x", 70<<20)
				return reply, nil
			}})
		},

		"stream": func([]string) {
			ready := make([]byte, 1<<20)
			serve(&server{fill: func(req *modev1.FillRequest, stream grpc.ServerStreamingServer[modev1.FillChunk]) error {
				for first := req.First; first < req.First+req.Count; {
					n := min(uint64(len(ready)/4), req.First+req.Count-first)
					if err := stream.Send(&modev1.FillChunk{First: first, Data: ready[:4*n]}); err != nil {
						return err
					}
					first += n
				}
				return nil
			}})
		},

		// hazards
		"H01": func([]string) {
			lines := "{\"@message\":1}\n{\"@level\":2,\"@message\":\"m\"}\n{\"@timestamp\":3,\"@message\":\"m\"}\n"
			fmt.Fprint(os.Stderr, lines)
			serve(&server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
				_, _ = rawStderr.WriteString(lines)
				return goodReply(req), nil
			}})
		},
		"H03": func([]string) {
			block, _ := pem.Decode([]byte(os.Getenv("PLUGIN_CLIENT_CERT")))
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil || cert.PublicKey.(*ecdsa.PublicKey).Curve != elliptic.P256() {
				fmt.Fprintln(os.Stderr, "the client's certificate is not on P-256")
				os.Exit(1)
			}
			serve(&server{})
		},
		"H05": func([]string) {
			serveDeaf(&server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
				time.AfterFunc(20*time.Millisecond, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
				return goodReply(req), nil
			}})
		},
		"H06": func([]string) { serveWithChild(true, []string{"PATH=" + os.Getenv("PATH")}) },
		"H08": func([]string) { serveWithChild(false, os.Environ()) },
		"H09": func([]string) { serveWithChild(true, os.Environ()) },
		"H12": func([]string) {
			flood := []byte(strings.Repeat(strings.Repeat("y", 99)+"\n", 10_000))
			_, _ = rawStderr.Write(flood)
			serve(&server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
				_, _ = rawStderr.Write(flood)
				_, _ = rawStdout.Write(flood)
				return goodReply(req), nil
			}})
		},
		"H15": func([]string) {
			serve(&server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
				_, _ = rawStdout.Write(bytes.Repeat([]byte("x"), 1<<20))
				return goodReply(req), nil
			}})
		},
		// answers with what it was given
		"report": func([]string) {
			serve(&server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
				return report(req), nil
			}})
		},
		"H21": func([]string) {
			_ = os.MkdirAll("a/b/c", 0o700)
			_ = os.WriteFile("a/b/c/file", []byte("x"), 0)
			_ = os.Chmod("a/b", 0)
			serve(&server{})
		},
		"H23": func([]string) {
			watchStdin()
			serveOwnServer(true, &server{})
		},
		"H33": func([]string) { serveOwnServer(true, &server{}) },
	}
}

var rawStdout, rawStderr = os.Stdout, os.Stderr

// report puts what the process sees into the formulas of the reply.
func report(req *modev1.AssignRequest) *modev1.AssignReply {
	env := os.Environ()
	sort.Strings(env)
	var names []string
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	var fds []string
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && !strings.HasPrefix(to, "socket:") && !strings.HasPrefix(to, "pipe:") && !strings.HasPrefix(to, "/sys/") && !strings.HasPrefix(to, "anon_inode:") && !strings.Contains(to, "/proc/") {
			fds = append(fds, filepath.Base(l)+" "+to)
		}
	}
	cwd, _ := os.Getwd()
	in, _ := os.Readlink("/proc/self/fd/0")
	facts := map[string]string{
		"env": strings.Join(names, " "), "cwd": cwd, "stdin": in, "fds": strings.Join(fds, "; "),
		"group": strconv.Itoa(syscall.Getpgrp()), "pid": strconv.Itoa(os.Getpid()), "passed": os.Getenv("PASSED"),
		"tmp": os.Getenv("TMPDIR"), "sockets": os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "ring": os.Getenv("WEIGHTINIT_FILL_RING"),
	}
	reply := goodReply(req)
	for i, p := range req.Params {
		text := facts[p.Name]
		// A formula has a limit; a long text comes in parts.
		reply.Dists[i].Formula = text[:min(len(text), 200)]
		if p.Name == "env2" {
			reply.Dists[i].Formula = facts["env"][min(len(facts["env"]), 200):]
		}
	}
	return reply
}

func ignoreSignals() {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
}

// startChild starts this binary again, in a session of its own or not, with our
// stdout and stderr.
func startChild(act string, session bool, env []string) int {
	self, _ := os.Executable()
	cmd := exec.Command(self, "hostile", act)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, rawStdout, rawStderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: session}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
	return cmd.Process.Pid
}

// serveWithChild tells its child's process id in the first formula.
func serveWithChild(session bool, env []string) {
	pid := startChild("silent", session, env)
	serve(&server{assign: func(_ context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
		reply := goodReply(req)
		reply.Dists[0].Formula = strconv.Itoa(pid)
		return reply, nil
	}})
}

// trouble is a handler that does what its arguments say.
func trouble[Req, Reply any](args []string) func(context.Context, Req) (Reply, error) {
	return func(ctx context.Context, _ Req) (Reply, error) {
		var none Reply
		switch args[0] {
		case "hang":
			forever()
		case "panic":
			panic("no such matrix")
		case "exit":
			fmt.Fprintln(rawStderr, "I give up")
			os.Exit(3)
		case "kill":
			_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
			forever()
		case "status":
			code, _ := strconv.Atoi(args[1])
			return none, status.Error(codes.Code(code), args[2])
		}
		return none, status.Error(codes.Internal, "unknown trouble")
	}
}

func actFill(args []string) {
	serve(&server{fill: func(req *modev1.FillRequest, stream grpc.ServerStreamingServer[modev1.FillChunk]) error {
		send := func(first uint64, data []byte) error { return stream.Send(&modev1.FillChunk{First: first, Data: data}) }
		switch args[0] {
		case "hang":
			_ = send(0, floats(0, 3))
			forever()
		case "gap":
			_ = send(0, floats(0, 3))
			return send(4, floats(4, 8))
		case "overlap":
			_ = send(0, floats(0, 3))
			return send(2, floats(2, 10))
		case "few":
			return send(0, floats(0, 3))
		case "many":
			return send(0, floats(0, req.Count+1))
		case "empty":
			return send(0, nil)
		case "half":
			return send(0, floats(0, 3)[:10])
		case "large":
			return send(0, make([]byte, 5<<20))
		case "nan":
			return send(0, append(floats(0, 2), 0, 0, 0xc0, 0x7f))
		case "fail":
			_ = send(0, floats(0, 3))
			return status.Error(codes.Internal, "ran dry")
		case "exit":
			_ = send(0, floats(0, 3))
			time.Sleep(20 * time.Millisecond)
			os.Exit(4)
		}
		return io.EOF
	}})
}

// actHost is a host that waits to be killed. It tells the run id of its
// plugin, and what it is about to do with it.
func actHost(args []string) {
	self, _ := os.Executable()
	c := Candidate{Given: "x", Path: filepath.Dir(self), Kind: Manifest, Run: append([]string{filepath.Base(self), "hostile"}, args...)}
	o := Options{starting: func(_, env []string) {
		for _, v := range env {
			if id, ok := strings.CutPrefix(v, runIDName+"="); ok {
				fmt.Println(id)
			}
		}
	}}
	h := NewHost(HostOptions{Options: o})
	x := &external{host: h, cand: c}
	h.plugins = append(h.plugins, x)
	ctx := context.Background()
	fmt.Println("starting")
	p, err := x.start(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	l := small2()
	m := &Mode{plugin: x, id: idOf("wide", 1), values: map[string]any{}}
	fmt.Println("asking", p.PID())
	_, _ = m.Assign(ctx, l)
	_ = h.Fill(ctx, Filling{Mode: m, Param: l.Params[1], DType: 1, Count: 12}, func(uint64, []byte) error {
		fmt.Println("filling")
		return nil
	})
	forever()
}
