import type { AppSpec, SpecIssue } from "@maxcloud/config-schema"
import { isPullSecret, label, type Manifest } from "@maxcloud/synth"
import { Effect, Option, Predicate } from "effect"
import { pathOf } from "../../kubeApi/kinds.ts"
import type { NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { isUnauthorizedVerb, type Requests } from "./binding.ts"
import { findMetadata, getMetadata } from "./lookup.ts"
import { idOf, isOurs, managedKinds, metadataOnly, namedOf, placeOf, type Target } from "./managed.ts"
import { fieldManager } from "./managedFields.ts"
import { ourNamespace } from "./ourNamespace.ts"
import { isUnreachable, lackedRight, refusalOf, runtimeErrorOf } from "./refusal.ts"
import { nameTaken, targetsOf } from "./targets.ts"

const concurrency = 24

export interface DryRunOptions {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  /** Namespace for the dry run of objects whose own namespace doesn't exist yet. */
  readonly scratchNamespace: string
}

/**
 * Prepares a manifest for a dry run before the objects it needs exist. Knative's webhook tries a pod of the template, which needs
 * its ServiceAccount, so the namespace's default one stands in. Secrets are added only when we apply.
 */
const tryable = (manifest: Manifest): Manifest => {
  if (isPullSecret(manifest)) {
    return { ...manifest, data: { ".dockerconfigjson": Buffer.from(`{"auths":{}}`).toString("base64") } }
  }
  const spec = manifest["spec"]
  const template = Predicate.isReadonlyRecord(spec) ? spec["template"] : undefined
  const podSpec = Predicate.isReadonlyRecord(template) ? template["spec"] : undefined
  if (
    !Predicate.isReadonlyRecord(spec) ||
    !Predicate.isReadonlyRecord(template) ||
    !Predicate.isReadonlyRecord(podSpec)
  )
    return manifest
  const { serviceAccountName: _, ...rest } = podSpec
  return { ...manifest, spec: { ...spec, template: { ...template, spec: rest } } }
}

/** Asks the API server for its verdict without changing anything (Kubernetes API concepts, "Dry-run"). */
export const makeDryRun = ({ api, cache, scratchNamespace }: DryRunOptions) => {
  const issueAt = (spec: AppSpec, { manifest }: Target, message: string): SpecIssue => {
    const service = manifest.metadata.labels?.[label.service]
    const index = spec.services.findIndex((each) => each.name === service)
    return { path: index < 0 ? [] : ["services", index], message }
  }

  const said = (error: RuntimeError): ReadonlyArray<string> =>
    error.reason === "refused" ? [`${error.diagnosis?.code ?? "AdmissionRefused"}: ${error.message}`] : []

  const tryOne = (target: Target, namespace: string): Effect.Effect<ReadonlyArray<string>, RuntimeError> => {
    const { manifest, place } = target
    const { namespaced } = managedKinds[place.kind]
    const metadata = namespaced ? { ...manifest.metadata, namespace } : manifest.metadata
    return api
      .request({
        method: "PATCH",
        path: pathOf(managedKinds[place.kind], namespace, place.name),
        query: { fieldManager, force: "true", dryRun: "All", fieldValidation: "Strict" },
        contentType: "application/apply-patch+yaml",
        accept: metadataOnly,
        body: { ...tryable(manifest), metadata }
      })
      .pipe(
        Effect.as<ReadonlyArray<string>>([]),
        Effect.catchAll((error) => {
          if (isUnreachable(error)) return runtimeErrorOf(api, namedOf(place))(error)
          if (isUnauthorizedVerb(error)) return Effect.succeed([lackedRight(error, namedOf(place))])
          const { diagnosis } = refusalOf(error, namedOf(place))
          return Effect.succeed([`${diagnosis.code}: ${diagnosis.message}. ${diagnosis.fix}`])
        })
      )
  }

  /** Our namespace, or else the scratch namespace, or else why neither is usable. */
  const whereOf = (
    key: NamespaceKey
  ): Effect.Effect<{ readonly namespace: string } | { readonly issue: string }, RuntimeError> =>
    Effect.gen(function* () {
      const own = yield* Effect.either(ourNamespace(api, cache, key))
      if (own._tag === "Left") {
        const [issue] = said(own.left)
        if (issue !== undefined) return { issue }
        // A terminating one will be created again.
        if (own.left.diagnosis?.code !== "NamespaceTerminating") return yield* own.left
      } else if (Option.isSome(own.right)) return { namespace: key.namespace }
      const scratch = yield* getMetadata(api, placeOf("namespace", "", scratchNamespace))
      if (Option.isSome(scratch)) return { namespace: scratchNamespace }
      const issue = `The cluster has no namespace "${scratchNamespace}" for the dry run of a first deployment. Run \`maxcloud cluster install\``
      return { issue }
    })

  return Effect.fn("DryRun.dryRun")(function* (
    key: NamespaceKey,
    spec: AppSpec,
    manifests: ReadonlyArray<Manifest>
  ): Effect.fn.Return<ReadonlyArray<SpecIssue>, RuntimeError> {
    const where = yield* whereOf(key)
    if ("issue" in where) return [{ path: [], message: where.issue }]
    const targets = yield* targetsOf(key, manifests)
    const inOwn = where.namespace === key.namespace
    const found = yield* findMetadata(api, cache, inOwn ? targets.map((target) => target.place) : [])
    const tried = yield* Effect.forEach(
      targets,
      (target) => {
        const metadata = found.get(idOf(target.place))
        const messages: Effect.Effect<ReadonlyArray<string>, RuntimeError> = metadata !== undefined &&
        !isOurs(metadata, key)
          ? Effect.succeed(said(nameTaken(target.place, metadata)))
          : tryOne(target, where.namespace)
        return Effect.map(messages, (found) => found.map((message) => issueAt(spec, target, message)))
      },
      { concurrency }
    )
    return tried.flat()
  })
}
