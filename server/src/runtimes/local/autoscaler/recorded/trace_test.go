package recorded

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
)

// config is an AutoscalerConfig of the TypeScript code; absent fields have its defaults.
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

// resolved contains the values that Knative derived from a config.
type resolved struct {
	TargetValue    float64 `json:"targetValue"`
	TotalValue     float64 `json:"totalValue"`
	PanicThreshold float64 `json:"panicThreshold"`
	PanicWindowMs  int64   `json:"panicWindowMs"`
}

// trace is one line of the recording. Columns of equal length form a list of samples or ticks. Times are milliseconds
// since the previous entry.
type trace struct {
	// Kind is "samples" if the metric collector averaged recorded samples, "observed" if the averages were given.
	Kind       string   `json:"kind"`
	Load       string   `json:"load"`
	Config     config   `json:"config"`
	Resolved   resolved `json:"resolved"`
	StartMs    int64    `json:"startMs"`
	StartReady int      `json:"startReady"`

	SampleAt    []int64   `json:"sampleAt"`
	SampleValue []float64 `json:"sampleValue"`

	TickAt []int64 `json:"tickAt"`
	// Samples is the number of samples since the previous tick.
	Samples []int `json:"samples"`
	// Observed holds the averages, stable and panic alternating; for "samples" only in every tenth trace.
	Observed []float64 `json:"observed"`
	// Flips lists the ticks before which the reachability of the revision flips.
	Flips   []int   `json:"flips"`
	Ready   []int   `json:"ready"`
	Desired []int32 `json:"desired"`
	Excess  []int32 `json:"excess"`
	// Modes has one letter for each tick: i invalid, s stable, p panic.
	Modes string `json:"modes"`
}

// encode writes JSON lines; equal traces result in equal bytes.
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
