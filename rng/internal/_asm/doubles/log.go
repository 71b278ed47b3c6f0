package main

import "github.com/mmcloughlin/avo/reg"

// logOrigin is where the reduced argument of the logarithm begins.
const logOrigin = 0x3fe6000000000000

// logEnd is log64Far of package kernel from the reduced argument r, the
// exponent k and the table's logarithm on, which it overwrites.
func (g *gen) logEnd(r, k, log reg.VecVirtual) reg.VecVirtual {
	w := log
	g.VFMADD231PD(g.wide(0x3fe62e42fefa3800), k, w)
	hi := g.sum(r, w)
	lo := g.difference(w, hi)
	g.VADDPD(r, lo, lo)
	g.VFMADD231PD(g.wide(0x3d2ef35793c76730), k, lo)
	r2 := g.product(r, r)
	g.VFMADD231PD(g.wide(0xbfe0000000000001), r2, lo)
	q := g.polynomial(r, 0xbfc55575e506c89f, 0x3fc999b324f10111)
	g.VFMADD213PD(g.polynomial(r, 0xbfcfffffffeb4590, 0x3fd555555551305b), r2, q)
	g.VMULPD(r, r2, r2)
	g.VFMADD213PD(lo, r2, q)
	return g.sum(hi, q)
}

// root turns logarithms v into sqrt(-2 v).
func (g *gen) root(v reg.VecVirtual) reg.VecVirtual {
	g.VMULPD(g.double(-2), v, v)
	g.VSQRTPD(v, v)
	return v
}

// logNear is log64Near of package kernel for 1 + r; at 1 it gives +0 by itself.
func (g *gen) logNear(r reg.VecVirtual) reg.VecVirtual {
	const minusHalf = 0xbfe0000000000000
	r2 := g.product(r, r)
	r3 := g.product(r, r2)
	p := g.polynomial(r, 0xbfb999eb43b068ff, 0x3fbc7184282ad6ca)
	g.VFMADD231PD(g.wide(0x3fb78182f7afd085), r2, p)
	g.VFMADD231PD(g.wide(0xbfb5521375d145cd), r3, p)
	p2 := g.polynomial(r, 0x3fc24924a344de30, 0xbfc55555556745a7)
	g.VFMADD231PD(g.wide(0xbfbfffffa4423d65), r2, p2)
	g.VFMADD213PD(p2, r3, p)
	p1 := g.polynomial(r, 0xbfcffffffffffdcb, 0x3fd5555555555577)
	g.VFMADD231PD(g.wide(0x3fc999999995dd0c), r2, p1)
	g.VFMADD213PD(p1, r3, p)

	rh := g.load(g.double(0x1p27))
	g.VFMADD213PD(r, r, rh)
	g.VFNMADD231PD(g.double(0x1p27), r, rh)
	q := g.product(rh, rh)
	hi := g.load(g.wide(minusHalf))
	g.VFMADD213PD(r, q, hi)
	lo := g.difference(r, hi)
	g.VFMADD231PD(g.wide(minusHalf), q, lo)
	rl := g.difference(r, rh)
	g.VMULPD(g.wide(minusHalf), rl, rl)
	g.VADDPD(r, rh, rh)
	g.VFMADD231PD(rh, rl, lo)
	g.VFMADD213PD(lo, r3, p)
	return g.sum(hi, p)
}
