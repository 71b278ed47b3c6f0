package fill

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// warmWorkers runs tasks on goroutines that stay for a moment when they are
// done, as another task often follows at once. On a virtual machine a core that
// fell asleep takes 100 microseconds and more to wake up, in which one that is
// awake makes 2^18 values. None stays for long, so that none is left behind.
type warmWorkers struct {
	idle  atomic.Int32 // those that look for a task, less those that one is meant for
	tasks chan func()
}

// patience is how often an idle worker looks for a task before it ends: some
// 60 microseconds, less than a wake-up costs. It is a number and no time, as
// time stands still in the bubbles of testing/synctest. Between two looks
// other goroutines run.
const patience = 200

var warm = warmWorkers{tasks: make(chan func(), 64)}

// run starts the task.
func (w *warmWorkers) run(task func()) {
	if w.claim() {
		w.tasks <- task
		return
	}
	go func() {
		for ; task != nil; task = w.next() {
			task()
		}
	}()
}

// claim takes one from the number of the idle, if there is one.
func (w *warmWorkers) claim() bool {
	for n := w.idle.Load(); n > 0; n = w.idle.Load() {
		if w.idle.CompareAndSwap(n, n-1) {
			return true
		}
	}
	return false
}

// next waits for a task, for a moment; nil means that there is none. Of more
// workers than cores the others do not wait.
func (w *warmWorkers) next() func() {
	looks := patience
	if int(w.idle.Add(1)) > runtime.GOMAXPROCS(0) {
		looks = 0
	}
	for range looks {
		select {
		case task := <-w.tasks:
			return task
		default:
			runtime.Gosched()
		}
	}
	if w.claim() {
		return nil
	}
	return <-w.tasks // that another has claimed, and sends
}

// wait locks the mutex: it looks for a moment, as next does, so that its core
// does not fall asleep, and then waits. It is no channel and no WaitGroup, as
// those of a bubble of testing/synctest must not be used by goroutines outside.
func wait(done *sync.Mutex) {
	for range patience {
		if done.TryLock() {
			return
		}
		runtime.Gosched()
	}
	done.Lock()
}
