// Package recorded runs Knative's autoscaler on generated loads and records its decisions.
//
// All code is in tests, because only testing/synctest gives Knative's time.Now a virtual clock.
package recorded
