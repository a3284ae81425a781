import type { EnvVar } from "@maxcloud/synth"
import type { AutoscalerConfig } from "../autoscaler/Autoscaler.ts"
import type { InstanceTemplate, ProbeSpec } from "../instances/Instance.ts"

/**
 * A Knative Service's `spec.template`, read exactly: what its instances are started from, and how they are scaled. `Required`, so that reading it can
 * forget nothing that an instance takes.
 */
export interface RevisionTemplate extends Required<InstanceTemplate> {
  /** As the manifest names it; for a source it is only a name. */
  readonly image: string
  readonly protocol: "http1" | "h2c"
  /** In the manifest's order, which variable expansion depends on. */
  readonly env: ReadonlyArray<EnvVar>
  readonly files: ReadonlyArray<{ readonly path: string; readonly secret: string; readonly key: string }>
  /** Requests at a time per instance (`containerConcurrency`); 0 is unlimited. */
  readonly maxConcurrency: number
  readonly scale: AutoscalerConfig
  readonly min: number
  /** Instances that a new revision has to bring up before it counts as ready. */
  readonly initialScale: number
  readonly timeoutMs: number
  readonly liveness: Omit<ProbeSpec, "anyAnswer"> | undefined
  /** Is the liveness probe the default one, which any answer of the program satisfies? */
  readonly anyAnswerLives: boolean
}
