package recorded

import (
	"math"
	"math/rand/v2"
)

// load returns a revision's total concurrency at a second of its trace.
type load func(second float64) float64

var loadNames = []string{
	"zero", "plateau", "ramp", "burst", "spike", "idle gaps", "sine", "walk", "trickle", "sawtooth", "flood", "steps",
}

// makeLoad creates a load with the named shape, for a trace of this many seconds.
func makeLoad(name string, seconds float64, r *rand.Rand) load {
	peak := math.Round(math.Pow(10, r.Float64()*3.2))
	if r.IntN(4) == 0 {
		peak = r.Float64() * 10
	}
	period := 5 + r.Float64()*90
	share := 0.05 + r.Float64()*0.7
	at := r.Float64() * seconds
	base := 0.
	if r.IntN(2) == 0 {
		base = peak * 0.1 * r.Float64()
	}
	on := func(s float64) bool { return math.Mod(s, period) < share*period }

	switch name {
	case "plateau":
		return func(s float64) float64 { return pick(s >= at/3, peak, base) }
	case "ramp":
		return func(s float64) float64 { return base + peak*math.Max(0, 1-math.Abs(s-at)/(seconds/2)) }
	case "burst":
		return func(s float64) float64 { return pick(on(s), base+peak, base) }
	case "spike":
		return func(s float64) float64 { return pick(s >= at && s < at+1+3*share, base+peak*10, base) }
	case "idle gaps":
		return func(s float64) float64 { return pick(math.Mod(s, period*2) < period*share, peak, 0) }
	case "sine":
		return func(s float64) float64 { return base + peak*(1+math.Sin(2*math.Pi*s/period))/2 }
	case "walk":
		value, last := peak/2, -1.
		return func(s float64) float64 {
			if s >= last+1 {
				value, last = math.Max(0, value+r.NormFloat64()*peak/8), s
			}
			return value
		}
	case "trickle":
		return func(float64) float64 { return pick(r.IntN(20) == 0, r.Float64(), 0) }
	case "sawtooth":
		return func(s float64) float64 { return peak * math.Mod(s, period) / period }
	case "flood":
		return func(s float64) float64 { return pick(s >= at, peak*1000, base) }
	case "steps":
		return func(s float64) float64 { return peak * math.Floor(5*s/seconds) / 5 }
	default:
		return func(float64) float64 { return 0 }
	}
}

func pick(condition bool, yes, no float64) float64 {
	if condition {
		return yes
	}
	return no
}

func one[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// some returns one of the values, but mostly none, which selects the default.
func some(r *rand.Rand, values ...float64) *float64 {
	if r.IntN(5) < 3 {
		return nil
	}
	value := one(r, values...)
	return &value
}

func makeConfig(r *rand.Rand) config {
	c := config{
		TargetConcurrency:     some(r, 1, 2, 5, 10, 20, 80, 100, 0.01, 0.5, 250),
		MaxConcurrency:        one[int64](r, 0, 0, 0, 1, 2, 10, 20, 100, 1000),
		TargetUtilization:     some(r, 1, 0.5, 0.8, 0.95, 0.33),
		Max:                   one[int32](r, 0, 0, 1, 3, 5, 20, 100),
		ActivationScale:       one[int32](r, 0, 0, 0, 2, 3, 10),
		StableWindowMs:        1000 * one[int64](r, 6, 10, 15, 30, 45, 60, 60, 60, 60, 90, 120, 300, 3600),
		PanicWindowPercentage: some(r, 1, 5, 12.5, 20, 33, 50, 100),
		PanicThreshold:        some(r, 1.1, 1.5, 3, 5, 10),
		MaxScaleUpRate:        some(r, 1.1, 1.5, 2, 10),
		MaxScaleDownRate:      some(r, 1.1, 1.5, 3, 10),
		TargetBurstCapacity:   some(r, -1, 0, 1, 10, 70.5, 1000),
		Reachable:             r.IntN(12) != 0,
	}
	if r.IntN(4) == 0 {
		c.ScaleDownDelayMs = 1000 * one[int64](r, 1, 2, 5, 10, 31, 60, 300)
	}
	if r.IntN(3) == 0 {
		c.Min = one[int32](r, 1, 2, 5)
		if c.Max != 0 {
			c.Min = min(c.Min, c.Max)
		}
	}
	return c
}
