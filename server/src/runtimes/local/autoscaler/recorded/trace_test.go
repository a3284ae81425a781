package recorded

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
)

// config is an AutoscalerConfig of the TypeScript side; absent fields take its defaults.
type config struct {
	TargetConcurrency     *float64 `json:"targetConcurrency,omitempty"`
	MaxConcurrency        int64    `json:"maxConcurrency,omitempty"`
	TargetUtilization     *float64 `json:"targetUtilization,omitempty"`
	Min                   int32    `json:"min,omitempty"`
	Max                   int32    `json:"max,omitempty"`
	ActivationScale       int32    `json:"activationScale,omitempty"`
	StableWindowMs        int64    `json:"stableWindowMs"`
	PanicWindowPercentage *float64 `json:"panicWindowPercentage,omitempty"`
	PanicThreshold        *float64 `json:"panicThreshold,omitempty"`
	MaxScaleUpRate        *float64 `json:"maxScaleUpRate,omitempty"`
	MaxScaleDownRate      *float64 `json:"maxScaleDownRate,omitempty"`
	ScaleDownDelayMs      int64    `json:"scaleDownDelayMs,omitempty"`
	TargetBurstCapacity   *float64 `json:"targetBurstCapacity,omitempty"`
	Reachable             bool     `json:"reachable"`
}

// resolved is what Knative made of a config.
type resolved struct {
	TargetValue    float64 `json:"targetValue"`
	TotalValue     float64 `json:"totalValue"`
	PanicThreshold float64 `json:"panicThreshold"`
	PanicWindowMs  int64   `json:"panicWindowMs"`
}

// trace is one line of the recording. Columns of equal length stand for a list of samples or ticks, times are the
// milliseconds since the one before.
type trace struct {
	// Kind is "samples" where the metric collector averaged recorded samples, "observed" where the averages were given.
	Kind       string   `json:"kind"`
	Load       string   `json:"load"`
	Config     config   `json:"config"`
	Resolved   resolved `json:"resolved"`
	StartMs    int64    `json:"startMs"`
	StartReady int      `json:"startReady"`

	SampleAt    []int64   `json:"sampleAt"`
	SampleValue []float64 `json:"sampleValue"`

	TickAt []int64 `json:"tickAt"`
	// Samples is how many samples came before the tick, since the last.
	Samples []int `json:"samples"`
	// Observed holds the averages, stable and panic in turn; for "samples" only of every tenth trace.
	Observed []float64 `json:"observed"`
	// Flips lists the ticks before which the reachability of the revision flips.
	Flips   []int   `json:"flips"`
	Ready   []int   `json:"ready"`
	Desired []int32 `json:"desired"`
	Excess  []int32 `json:"excess"`
	// Modes is a letter a tick: i invalid, s stable, p panic.
	Modes string `json:"modes"`
}

// encode makes JSON lines; equal traces give equal bytes.
func encode(traces []*trace) ([]byte, error) {
	var out bytes.Buffer
	lines := json.NewEncoder(&out)
	for _, t := range traces {
		if err := lines.Encode(t); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func write(file string, lines []byte) error {
	var out bytes.Buffer
	zip, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := zip.Write(lines); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

func read(file string) ([]byte, error) {
	kept, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer kept.Close()
	zip, err := gzip.NewReader(kept)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(zip)
}
