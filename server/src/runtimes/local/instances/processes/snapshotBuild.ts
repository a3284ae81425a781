import { SourceDigest } from "@maxcloud/config-schema"
import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { SourceError, type SourceStore, type SourceToBuild } from "../../../../stores/sources/SourceStore.ts"
import { InstanceFailed, type InstanceSpec } from "../Instance.ts"

type Snapshot = Extract<InstanceSpec["program"], { readonly kind: "snapshot" }>

const reasons: Readonly<Record<SourceError["reason"], DiagnosisCode>> = {
  unavailable: "CannotStart",
  build: "BuildFailed",
  invalid: "SourceInvalid",
  tooLarge: "SourceInvalid",
  overQuota: "SourceInvalid",
  diskFull: "CannotStart"
}

const sourceOf = (
  { care, command }: Pick<InstanceSpec, "care" | "command">,
  { build, digest, package: inside }: Snapshot
): Effect.Effect<SourceToBuild, SourceError> =>
  Schema.decodeUnknown(SourceDigest)(digest).pipe(
    Effect.mapBoth({
      onFailure: () => new SourceError({ reason: "invalid", message: `No digest: ${digest}` }),
      onSuccess: (known) => ({ digest: known, package: inside, build, hasCommand: command !== undefined, care })
    })
  )

/** The built snapshot that an instance runs from. */
export const buildOf = (sources: typeof SourceStore.Service, spec: InstanceSpec, program: Snapshot) =>
  sourceOf(spec, program).pipe(
    Effect.flatMap((source) => sources.built(spec.organizationId, source, spec.onBuild)),
    // The instance doesn't exist yet, so a caller that no longer wants it needn't wait for its build.
    Effect.interruptible,
    Effect.mapError(
      (error) =>
        new InstanceFailed({
          reason: reasons[error.reason],
          message: error.message,
          retryable: error.reason === "unavailable" || error.reason === "diskFull"
        })
    )
  )

/** Is the snapshot's build unchanged? */
export const isBuildWhole = (
  sources: typeof SourceStore.Service,
  spec: Pick<InstanceSpec, "organizationId" | "command">,
  program: Snapshot
) =>
  sourceOf(spec, program).pipe(
    Effect.flatMap((source) => sources.isWhole(spec.organizationId, source)),
    // The start itself reports faults.
    Effect.orElseSucceed(() => true)
  )
