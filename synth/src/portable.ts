import {
  type AppSpec,
  type EnvValue,
  type ExternalReference,
  externalsOf,
  linksOf,
  productionStage,
  type ServiceSpec,
  type SpecIssue,
  targetOf
} from "@maxcloud/config-schema"
import { Either, Schema } from "effect"
import { label } from "./annotations.ts"
import { isKnativeService } from "./KnativeService.ts"
import type { Manifest } from "./manifest.ts"
import { offlineTenant } from "./offlineTenant.ts"
import { readParts } from "./secretParts.ts"
import { synth } from "./synth.ts"

/** A manifest, with comment lines for its reader. */
export interface PortableManifest {
  readonly manifest: Manifest
  readonly notes: ReadonlyArray<string>
}

/** Features that don't work without max-cloud: a `source`, which nobody would build, and a `publicUrl`, which only a platform knows. */
export const portableProblems = (spec: AppSpec): ReadonlyArray<SpecIssue> =>
  spec.services.flatMap((service, index) => [
    ...(service.image === undefined
      ? [
          {
            path: ["services", index, "source"],
            message: `"${service.name}" runs a source, which only max-cloud can run: build an image of it, push it, and use \`image\``
          }
        ]
      : []),
    ...Object.entries(service.env).flatMap(([name, value]) =>
      partsOf(value).some((each) => typeof each !== "string" && "property" in each && each.property === "publicUrl")
        ? [
            {
              path: ["services", index, "env", name],
              message: "a public URL depends on the platform's domain: use a text instead"
            }
          ]
        : []
    )
  ])

/**
 * The app as manifests for `kubectl apply` in an existing namespace of any Knative, without max-cloud: none of our annotations and labels, links
 * with the cluster's own names, and Secrets with empty values to fill in. Call `portableProblems` first. Policies name Kourier's gateway; without
 * max-cloud's authorizer, a service with a link can ask it for any host.
 */
export const portable = (spec: AppSpec, namespace: string): ReadonlyArray<PortableManifest> => {
  const resolved = { ...spec, services: spec.services.map((service) => withAddresses(service, namespace)) }
  return synth(resolved, offlineTenant(resolved)).map((manifest) => ({
    manifest: plain(manifest, spec, namespace),
    notes: notesOf(manifest, spec)
  }))
}

type Part = Exclude<EnvValue, string | { readonly join: unknown }> | string

const partsOf = (value: EnvValue): ReadonlyArray<Part> =>
  typeof value !== "string" && "join" in value ? value.join : [value]

/** The host of another app's service, assuming that app is exported to a namespace with its name. Offline, nothing else is known. */
const externalHost = (part: ExternalReference) => {
  const { app, service } = targetOf(part, productionStage)
  return `${service}.${app}.svc.cluster.local`
}

/** Replaces addresses with texts, and keeps their links. */
const withAddresses = (service: ServiceSpec, namespace: string): ServiceSpec => ({
  ...service,
  // Only their names, because they only mean that the policy opens the gateway.
  links: [
    ...linksOf(service),
    ...externalsOf(service, productionStage).flatMap((each) => (each.isLink ? [each.service] : []))
  ],
  env: Object.fromEntries(
    Object.entries(service.env).map(([name, value]): readonly [string, EnvValue] => {
      const parts = partsOf(value).map((part) => {
        if (typeof part === "string" || "secret" in part) return part
        const host = "external" in part ? externalHost(part) : `${part.service}.${namespace}.svc.cluster.local`
        return part.property === "host" ? host : `http://${host}`
      })
      const [only] = parts
      return [name, parts.length === 1 && only !== undefined ? only : { join: parts }]
    })
  )
})

const isOurs = (key: string) => key.startsWith("maxcloud.dev/") || key === "app.kubernetes.io/managed-by"

const others = (all: Readonly<Record<string, string>> | undefined) => {
  const left = Object.entries(all ?? {}).filter(([key]) => !isOurs(key))
  return left.length === 0 ? undefined : Object.fromEntries(left)
}

/** Removes our own labels, annotations and selectors, at any depth. */
const stripped = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(stripped)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (key === "matchLabels" && isLabels(inner) && inner[label.service] !== undefined) {
        return [[key, { "app.kubernetes.io/name": inner[label.service] }]]
      }
      if ((key !== "labels" && key !== "annotations") || !isLabels(inner)) return [[key, stripped(inner)]]
      const left = others(inner)
      return left === undefined ? [] : [[key, left]]
    })
  )
}

const isLabels = Schema.is(Schema.Record({ key: Schema.String, value: Schema.String }))

const partsIn = (manifest: Manifest) => {
  const parts = readParts(manifest)
  return parts === undefined ? undefined : Either.getOrThrow(parts)
}

const plain = (manifest: Manifest, spec: AppSpec, namespace: string): Manifest => {
  const { apiVersion, kind, metadata, ...rest } = manifest
  const { annotations, labels, ...named } = metadata
  const kept = { annotations: others(annotations), labels: others(labels) }
  const secret = partsIn(manifest)
  return {
    apiVersion,
    kind,
    metadata: {
      ...named,
      namespace,
      labels: { ...kept.labels, "app.kubernetes.io/part-of": spec.app },
      ...(kept.annotations === undefined ? {} : { annotations: kept.annotations })
    },
    ...(secret === undefined ? {} : { stringData: Object.fromEntries(Object.keys(secret).map((name) => [name, ""])) }),
    ...Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, stripped(value)]))
  }
}

const notesOf = (manifest: Manifest, spec: AppSpec): ReadonlyArray<string> => {
  const written = partsIn(manifest)
  if (written !== undefined) {
    return [
      "Fill in the values before you apply it. Applying it again unchanged would empty them.",
      ...Object.entries(written).map(([key, parts]) => {
        const value = parts.map((part) =>
          typeof part === "string" ? JSON.stringify(part) : `the secret ${part.secret}`
        )
        return `${key}: ${value.join(" + ")}`
      })
    ]
  }
  const service = spec.services.find((service) => service.name === manifest.metadata.name)
  if (service === undefined || !isKnativeService(manifest)) return []
  const others = [...new Set(externalsOf(service, productionStage).map(({ app }) => app))]
  return [
    ...(service.port === "auto"
      ? [
          "The image's port isn't known offline, so this uses 8080. Set `port` in the config if it listens on another one."
        ]
      : []),
    ...others.map(
      (app) => `It calls the app ${app}, expected in the namespace ${app}. Change the addresses if it is elsewhere.`
    )
  ]
}
