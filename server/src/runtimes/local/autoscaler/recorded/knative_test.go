package recorded

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"knative.dev/serving/pkg/apis/autoscaling"
	"knative.dev/serving/pkg/apis/autoscaling/v1alpha1"
	asconfig "knative.dev/serving/pkg/autoscaler/config"
	"knative.dev/serving/pkg/autoscaler/config/autoscalerconfig"
	"knative.dev/serving/pkg/autoscaler/metrics"
	"knative.dev/serving/pkg/autoscaler/scaling"
	kpa "knative.dev/serving/pkg/reconciler/autoscaling/kpa/resources"
	asresources "knative.dev/serving/pkg/reconciler/autoscaling/resources"
)

// readyCount is the autoscaler's counter of ready pods.
type readyCount int

func (c *readyCount) ReadyCount() (int, error)    { return int(*c), nil }
func (c *readyCount) NotReadyCount() (int, error) { return 0, nil }

// observedClient records the averages that the autoscaler got, or returns given ones.
type observedClient struct {
	metrics.MetricClient
	stable, panic float64
}

func (c *observedClient) StableAndPanicConcurrency(key types.NamespacedName, now time.Time) (float64, float64, error) {
	if c.MetricClient == nil {
		return c.stable, c.panic, nil
	}
	var err error
	c.stable, c.panic, err = c.MetricClient.StableAndPanicConcurrency(key, now)
	return c.stable, c.panic, err
}

// revision is one revision under Knative's own decider, metric collector and autoscaler.
type revision struct {
	key       types.NamespacedName
	pa        *v1alpha1.PodAutoscaler
	config    *autoscalerconfig.Config
	ready     readyCount
	client    observedClient
	collector *metrics.MetricCollector
	scaler    scaling.UniScaler
	reader    *sdkmetric.ManualReader
	resolved  resolved
}

func newRevision(t *testing.T, c config, ready int, collects bool) *revision {
	key := types.NamespacedName{Namespace: "recorded", Name: "revision"}
	v := &revision{
		key:    key,
		ready:  readyCount(ready),
		config: clusterConfig(t, c),
		pa: &v1alpha1.PodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, Annotations: annotations(c)},
			Spec:       v1alpha1.PodAutoscalerSpec{ContainerConcurrency: c.MaxConcurrency, Reachability: reachability(c.Reachable)},
		},
		reader: sdkmetric.NewManualReader(),
	}
	metric := asresources.MakeMetric(v.pa, "scraped", v.config)
	decider := kpa.MakeDecider(v.pa, v.config)
	v.resolved = resolved{
		TargetValue:    decider.Spec.TargetValue,
		TotalValue:     decider.Spec.TotalValue,
		PanicThreshold: decider.Spec.PanicThreshold,
		PanicWindowMs:  metric.Spec.PanicWindow.Milliseconds(),
	}
	if collects {
		v.collector = metrics.NewMetricCollector(
			func(*v1alpha1.Metric, *zap.SugaredLogger) (metrics.StatsScraper, error) { return nil, nil }, silent)
		if err := v.collector.CreateOrUpdate(metric); err != nil {
			t.Fatal(err)
		}
		v.client.MetricClient = v.collector
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(v.reader), sdkmetric.WithResource(resource.Empty()))
	v.scaler = scaling.New(*attribute.EmptySet(), provider, key.Namespace, key.Name, &v.client, &v.ready, &decider.Spec)
	return v
}

var silent = zap.NewNop().Sugar()

func (v *revision) record(at time.Time, concurrency float64) {
	v.collector.Record(v.key, at, metrics.Stat{AverageConcurrentRequests: concurrency})
}

func (v *revision) setReachable(reachable bool) {
	v.pa.Spec.Reachability = reachability(reachable)
	v.scaler.Update(&kpa.MakeDecider(v.pa, v.config).Spec)
}

// scale requests a decision now, and reads from the autoscaler's own metrics whether it is in panic mode.
func (v *revision) scale(t *testing.T) (scaling.ScaleResult, byte) {
	result := v.scaler.Scale(silent, time.Now())
	if !result.ScaleValid {
		return result, 'i'
	}
	var collected metricdata.ResourceMetrics
	if err := v.reader.Collect(context.Background(), &collected); err != nil {
		t.Fatal(err)
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			if gauge, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == "kn.revision.panic.mode" {
				return result, "sp"[gauge.DataPoints[0].Value]
			}
		}
	}
	t.Fatal("the autoscaler has no metric for its panic mode")
	return result, 0
}

// bounded applies the bounds that Knative reads from the revision.
func (v *revision) bounded(desired int32) int {
	low, high := v.pa.ScaleBounds(v.config)
	if high != 0 {
		desired = min(desired, high)
	}
	return int(max(desired, low))
}

func (v *revision) close() {
	if v.collector != nil {
		v.collector.Delete(v.key.Namespace, v.key.Name)
	}
	v.scaler.OnDelete()
}

func reachability(reachable bool) v1alpha1.ReachabilityType {
	if reachable {
		return v1alpha1.ReachabilityReachable
	}
	return v1alpha1.ReachabilityUnreachable
}

func clusterConfig(t *testing.T, c config) *autoscalerconfig.Config {
	data := map[string]string{}
	set(data, "max-scale-up-rate", c.MaxScaleUpRate, 1)
	set(data, "max-scale-down-rate", c.MaxScaleDownRate, 1)
	parsed, err := asconfig.NewConfigFromMap(data)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func annotations(c config) map[string]string {
	a := map[string]string{
		autoscaling.WindowAnnotationKey:         fmt.Sprintf("%dms", c.StableWindowMs),
		autoscaling.ScaleDownDelayAnnotationKey: fmt.Sprintf("%dms", c.ScaleDownDelayMs),
		autoscaling.MinScaleAnnotationKey:       strconv.Itoa(int(c.Min)),
		autoscaling.MaxScaleAnnotationKey:       strconv.Itoa(int(c.Max)),
		autoscaling.ActivationScaleKey:          strconv.Itoa(int(c.ActivationScale)),
	}
	set(a, autoscaling.TargetAnnotationKey, c.TargetConcurrency, 1)
	set(a, autoscaling.TargetUtilizationPercentageKey, c.TargetUtilization, 100)
	set(a, autoscaling.TargetBurstCapacityKey, c.TargetBurstCapacity, 1)
	set(a, autoscaling.PanicWindowPercentageAnnotationKey, c.PanicWindowPercentage, 1)
	set(a, autoscaling.PanicThresholdPercentageAnnotationKey, c.PanicThreshold, 100)
	return a
}

func set(to map[string]string, key string, value *float64, factor float64) {
	if value != nil {
		to[key] = strconv.FormatFloat(*value*factor, 'g', 12, 64)
	}
}
