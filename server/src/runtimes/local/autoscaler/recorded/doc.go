// Package recorded runs Knative's autoscaler over generated loads and records what it decides.
//
// All of it is in tests, since only testing/synctest gives Knative's own time.Now a virtual clock.
package recorded
