import { type AppSpecEncoded, nearest } from "@maxcloud/config-schema"
import type { Manifest } from "@maxcloud/synth"
import type { ConfigIssue } from "../errors.ts"

/** A service to deploy, with every default. Durations and amounts are in their short form: `"5m"`, `"512Mi"`. */
export type RenderedService = AppSpecEncoded["services"][number]

export interface Manifests {
  /** In the order of application: those of the namespace, then those of the services. Equal configs have equal manifests. */
  readonly all: ReadonlyArray<Manifest>
  /** One of them, such as `of("Service", "web")`. If it's missing, throws an Error that lists the existing ones. */
  readonly of: (kind: string, name: string) => Manifest
  /** The manifests of a service. */
  readonly ofService: (name: string) => ReadonlyArray<Manifest>
  /** All of them, in the format of `maxcloud synth`. */
  readonly toYaml: () => string
}

/** The app that a config deploys to a stage. It contains no times and nothing random, so it's suitable for snapshots. */
export interface RenderedConfig {
  readonly app: string
  readonly stage: string
  /** The app with every default, as a deploy would send it. */
  readonly spec: AppSpecEncoded
  readonly services: ReadonlyArray<RenderedService>
  /** One of them. If it's missing, throws an Error that lists the existing ones. */
  readonly service: (name: string) => RenderedService
  readonly manifests: Manifests
  /** The findings of the config's policies that only warn. */
  readonly warnings: ReadonlyArray<ConfigIssue>
}

const nothingSo = (what: string, name: string, names: ReadonlyArray<string>): Error => {
  const meant = nearest(name, [...names])
  const guess = meant === undefined ? "" : ` Did you mean "${meant}"?`
  return new Error(`There is no ${what} "${name}".${guess} There are: ${names.join(", ") || "none"}.`)
}

const serviceLabel = "app.kubernetes.io/name"

export const manifestsOf = (
  all: ReadonlyArray<Manifest>,
  toYaml: (manifests: ReadonlyArray<Manifest>) => string
): Manifests => ({
  all,
  of: (kind, name) => {
    const ofKind = all.filter((each) => each.kind === kind)
    const found = ofKind.find((each) => each.metadata.name === name)
    if (found !== undefined) return found
    if (ofKind.length === 0) throw nothingSo("kind", kind, [...new Set(all.map((each) => each.kind))])
    throw nothingSo(
      kind,
      name,
      ofKind.map((each) => each.metadata.name)
    )
  },
  ofService: (name) => all.filter((each) => each.metadata.labels?.[serviceLabel] === name),
  toYaml: () => toYaml(all)
})

export const renderedConfig = (
  spec: AppSpecEncoded,
  stage: string,
  manifests: Manifests,
  warnings: ReadonlyArray<ConfigIssue>
): RenderedConfig => ({
  app: spec.app,
  stage,
  spec,
  services: spec.services,
  service: (name) => {
    const found = spec.services.find((each) => each.name === name)
    if (found !== undefined) return found
    throw nothingSo(
      "service",
      name,
      spec.services.map((each) => each.name)
    )
  },
  manifests,
  warnings
})
