import type { AutoscalerConfig } from "../autoscaler/Autoscaler.ts"
import type { InstanceSpec, ProbeSpec } from "../instances/Instance.ts"

/** Where the value of an environment variable comes from: the manifest itself, or a key of a Secret. */
export type EnvSource =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "secret"; readonly secret: string; readonly key: string }

/** A Knative Service's `spec.template`, read exactly: all that an instance of the revision is started from. */
export interface RevisionTemplate {
  readonly program: InstanceSpec["program"]
  /** As the manifest names it; for a source it is only a name. */
  readonly image: string
  readonly command: ReadonlyArray<string> | undefined
  readonly args: ReadonlyArray<string> | undefined
  readonly port: number | "auto"
  readonly protocol: "http1" | "h2c"
  /** In the manifest's order, which variable expansion depends on. */
  readonly env: ReadonlyArray<{ readonly name: string; readonly source: EnvSource }>
  readonly files: ReadonlyArray<{ readonly path: string; readonly secret: string; readonly key: string }>
  readonly cpuMilli: number
  readonly memoryBytes: number
  /** Requests at a time per instance (`containerConcurrency`); 0 is unlimited. */
  readonly maxConcurrency: number
  readonly scale: AutoscalerConfig
  readonly min: number
  /** Instances that a new revision has to bring up before it counts as ready. */
  readonly initialScale: number
  readonly timeoutMs: number
  readonly startDeadlineMs: number
  readonly startup: ProbeSpec | undefined
  readonly readiness: ProbeSpec | undefined
  readonly liveness: Omit<ProbeSpec, "anyAnswer"> | undefined
  /** Is the liveness probe the default one, which any answer of the program satisfies? */
  readonly anyAnswerLives: boolean
}
