package cli

import (
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progressBar shows how far a run is. The zero bar shows nothing.
type progressBar struct {
	pool *mpb.Progress
	bar  *mpb.Bar
}

// progress starts a bar on stderr when that is a terminal and there is enough
// to do that somebody may wait for it.
func (a *app) progress(what string, values int64) *progressBar {
	const worthShowing = 50_000_000 // values; about a second's work
	f, ok := a.stderr.(*os.File)
	if a.quiet || !ok || values < worthShowing || !term.IsTerminal(int(f.Fd())) {
		return &progressBar{}
	}
	pool := mpb.New(mpb.WithOutput(f), mpb.WithWidth(40))
	bar := pool.New(values, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"),
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(what+" ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.AverageSpeed(0, "%.1f values/s"), decor.Name(" "), decor.AverageETA(decor.ET_STYLE_GO)))
	return &progressBar{pool, bar}
}

// add counts values; it may be called from several goroutines.
func (b *progressBar) add(values int64) {
	if b.bar != nil {
		b.bar.IncrInt64(values)
	}
}

// done ends the bar and clears its line.
func (b *progressBar) done() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.pool.Wait()
	}
}
