package recorded

import (
	"bytes"
	"flag"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

const (
	file          = "decisions.jsonl.gz"
	sampledTraces = 1000
	givenTraces   = 200
)

var update = flag.Bool("update", false, "write "+file)

// TestDecisions compares the recording with Knative's decisions; -update writes the recording.
func TestDecisions(t *testing.T) {
	var traces []*trace
	for i := range sampledTraces + givenTraces {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(48, uint64(i)))
			if i < sampledTraces {
				traces = append(traces, recordSamples(t, r, loadNames[i%len(loadNames)], i%10 == 0))
			} else {
				traces = append(traces, recordObserved(t, r))
			}
		})
	}
	fresh, err := encode(traces)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := write(file, fresh); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := read(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, fresh) {
		t.Errorf("%s differs from Knative's decisions: run go test -update", file)
	}
}

// recorder writes a trace while virtual time passes.
type recorder struct {
	*trace
	*revision
	r                   *rand.Rand
	sampledMs, tickedMs int64
	samplesSince        int
	keepsObserved       bool
	reachable           bool
	starting            []int
}

func newRecorder(t *testing.T, r *rand.Rand, kind, load string) *recorder {
	time.Sleep(time.Duration(r.IntN(1_000_000)) * time.Millisecond)
	c := makeConfig(r)
	ready := one(r, 0, 0, 0, 1, 2, 7)
	start := time.Now().UnixMilli()
	v := newRevision(t, c, ready, kind == "samples")
	return &recorder{
		trace: &trace{Kind: kind, Load: load, Config: c, Resolved: v.resolved, StartMs: start, StartReady: ready,
			SampleAt: []int64{}, SampleValue: []float64{}, Observed: []float64{}, Flips: []int{}},
		revision: v, r: r, sampledMs: start, tickedMs: start, reachable: c.Reachable,
	}
}

func recordSamples(t *testing.T, r *rand.Rand, name string, keepsObserved bool) *trace {
	rec := newRecorder(t, r, "samples", name)
	defer rec.close()
	rec.keepsObserved = keepsObserved
	ticks := 40 + r.IntN(80)
	shape := makeLoad(name, float64(ticks*2), r)
	digits := math.Pow10(r.IntN(4))
	alwaysSampled := r.IntN(2) == 0
	reporters := one(r, 1, 1, 1, 2)
	start := time.Now()
	for len(rec.TickAt) < ticks {
		next := time.Duration(2000+one(r, 0, 0, 0, 0, r.IntN(9)-4, r.IntN(1999)-999)) * time.Millisecond
		if r.IntN(60) == 0 { // The machine slept, or nothing asked for a decision.
			next += time.Duration(r.Int64N(rec.Config.StableWindowMs*3/2)) * time.Millisecond
			time.Sleep(next / time.Millisecond / 2 * time.Millisecond)
			next -= next / time.Millisecond / 2 * time.Millisecond
		}
		deadline := time.Now().Add(next)
		for time.Now().Add(985 * time.Millisecond).Before(deadline) {
			time.Sleep(time.Duration(990+r.IntN(20)) * time.Millisecond)
			concurrency := math.Round(shape(time.Since(start).Seconds())*digits) / digits
			if concurrency == 0 && rec.ready == 0 && !alwaysSampled {
				continue
			}
			for range reporters {
				rec.sample(concurrency)
			}
		}
		time.Sleep(time.Until(deadline))
		rec.tick(t)
	}
	return rec.trace
}

// recordObserved uses random averages, far apart and in no order.
func recordObserved(t *testing.T, r *rand.Rand) *trace {
	rec := newRecorder(t, r, "observed", "any")
	defer rec.close()
	rec.keepsObserved = true
	value := func() float64 {
		return one(r, 0, 0, r.Float64(), r.Float64()*100, float64(r.IntN(50)), math.Pow(10, r.Float64()*6), 1e-6, 7, 70)
	}
	for range 60 {
		time.Sleep(time.Duration(one(r, 2000, 2000, 2000, 1, 5, 7300, int(rec.Config.StableWindowMs)+r.IntN(2))) * time.Millisecond)
		if r.IntN(4) != 0 {
			rec.client.stable, rec.client.panic = value(), value()
		}
		rec.tick(t)
	}
	return rec.trace
}

func (rec *recorder) sample(concurrency float64) {
	at := time.Now()
	if rec.r.IntN(40) == 0 { // A late report, sometimes too late.
		at = at.Add(-time.Duration(rec.r.Int64N(8000)) * time.Millisecond)
	}
	rec.record(at, concurrency)
	rec.SampleAt = append(rec.SampleAt, at.UnixMilli()-rec.sampledMs)
	rec.SampleValue = append(rec.SampleValue, concurrency)
	rec.sampledMs = at.UnixMilli()
	rec.samplesSince++
}

func (rec *recorder) tick(t *testing.T) {
	if rec.r.IntN(150) == 0 {
		rec.reachable = !rec.reachable
		rec.setReachable(rec.reachable)
		rec.Flips = append(rec.Flips, len(rec.TickAt))
	}
	result, mode := rec.scale(t)
	now := time.Now().UnixMilli()
	rec.TickAt = append(rec.TickAt, now-rec.tickedMs)
	rec.tickedMs = now
	rec.Samples = append(rec.Samples, rec.samplesSince)
	rec.samplesSince = 0
	if rec.keepsObserved {
		rec.Observed = append(rec.Observed, rec.client.stable, rec.client.panic)
	}
	rec.Ready = append(rec.Ready, int(rec.ready))
	rec.Desired = append(rec.Desired, result.DesiredPodCount)
	rec.Excess = append(rec.Excess, result.ExcessBurstCapacity)
	rec.Modes += string(mode)
	if result.ScaleValid {
		rec.follow(rec.bounded(result.DesiredPodCount))
	}
}

// follow moves the ready pods towards the desired number: down at once, up a few ticks later. Sometimes one crashes.
func (rec *recorder) follow(wanted int) {
	rec.starting = append(rec.starting, wanted)
	if len(rec.starting) > 1+rec.r.IntN(3) {
		wanted = min(wanted, rec.starting[0])
		rec.starting = rec.starting[1:]
	} else {
		wanted = min(wanted, int(rec.ready))
	}
	if wanted > 0 && rec.r.IntN(30) == 0 {
		wanted--
	}
	rec.ready = readyCount(wanted)
}
