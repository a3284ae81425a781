import type { EnvVar, InstanceEnd } from "@maxcloud/synth"
import type { AutoscalerConfig } from "../autoscaler/Autoscaler.ts"
import type { InstanceTemplate, ProbeSpec } from "../instances/Instance.ts"

/**
 * A Knative Service's `spec.template`, read exactly: how its instances start and scale. `Required`, so that no field of an
 * instance can be forgotten.
 */
export interface RevisionTemplate extends Required<InstanceTemplate>, InstanceEnd {
  /** As the manifest names it; for a source it is only a name. */
  readonly image: string
  /** In the manifest's order, which variable expansion depends on. */
  readonly env: ReadonlyArray<EnvVar>
  readonly files: ReadonlyArray<{ readonly path: string; readonly secret: string; readonly key: string }>
  /** Concurrent requests per instance (`containerConcurrency`); 0 is unlimited. */
  readonly maxConcurrency: number
  readonly scale: AutoscalerConfig
  readonly min: number
  /** How many instances of a new revision must be up before it counts as ready. */
  readonly initialScale: number
  readonly timeoutMs: number
  readonly liveness: Omit<ProbeSpec, "anyAnswer"> | undefined
  /** Is the liveness probe the default one, which accepts any answer of the program? */
  readonly anyAnswerLives: boolean
}
