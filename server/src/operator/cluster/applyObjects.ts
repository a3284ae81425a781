import type { Manifest } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { KubeApi, type KubeError } from "../../runtimes/kubeApi/KubeApi.ts"
import { pathOfManifest } from "./installKinds.ts"

/** The field manager of an installation in `managedFields`. */
export const installManager = "maxcloud-install"

export type Step = "created" | "changed" | "unchanged"

const LiveObject = Schema.Struct({
  metadata: Schema.Struct({
    labels: Schema.optional(Schema.Unknown),
    annotations: Schema.optional(Schema.Unknown)
  }),
  status: Schema.optional(Schema.Unknown)
}).pipe(Schema.extend(Schema.Record({ key: Schema.String, value: Schema.Unknown })))

const decode = Schema.decodeUnknownOption(LiveObject)

/** An object's fields as a client set them, without those that the API server adds. */
const content = (object: unknown): string =>
  Option.match(decode(object), {
    onNone: () => "",
    onSome: ({ metadata, status: _, ...rest }) =>
      JSON.stringify({ ...rest, labels: metadata.labels, annotations: metadata.annotations })
  })

export const unlessMissing = <A>(effect: Effect.Effect<A, KubeError, KubeApi>) =>
  effect.pipe(
    Effect.map(Option.some),
    Effect.catchIf(
      (error) => error.reason === "notFound",
      () => Effect.succeed(Option.none<A>())
    )
  )

export interface ApplyMode {
  readonly dryRun: boolean
  /** Take fields from other managers. */
  readonly force: boolean
}

/** Applies one object with server-side apply, and returns the result. */
export const applyObject = (manifest: Manifest, { dryRun, force }: ApplyMode) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const path = pathOfManifest(manifest)
    const before = yield* unlessMissing(api.request({ method: "GET", path }))
    // A dry run answers 404 if the namespace doesn't exist yet. The object would be created.
    if (dryRun && Option.isNone(before)) return "created" satisfies Step
    const after = yield* api.request({
      method: "PATCH",
      path,
      query: {
        fieldManager: installManager,
        force: String(force),
        fieldValidation: "Strict",
        ...(dryRun ? { dryRun: "All" } : {})
      },
      body: manifest,
      contentType: "application/apply-patch+yaml"
    })
    return Option.match(before, {
      onNone: (): Step => "created",
      onSome: (value): Step => (content(value) === content(after) ? "unchanged" : "changed")
    })
  })
