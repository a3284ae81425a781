import type { AppSpec } from "./appSpec.ts"
import { quoted } from "./bounds.ts"
import { referencesOf } from "./env.ts"
import type { Exports } from "./exports.ts"
import { type ExternalReference, targetOf } from "./external.ts"
import type { AppName, ServiceName, StageName } from "./names.ts"
import { nearest } from "./nearest.ts"
import type { SpecIssue } from "./specIssues.ts"

/** A service's use of a service of another app. */
export interface AppLink {
  readonly path: SpecIssue["path"]
  readonly service: ServiceName
  readonly reference: ExternalReference
}

/** The links of an app to services of other apps, with their places. */
export const appLinksOf = (spec: Pick<AppSpec, "services">): ReadonlyArray<AppLink> =>
  spec.services.flatMap((service, index) =>
    Object.entries(service.env).flatMap(([name, value]) =>
      referencesOf(value).flatMap((reference) =>
        "external" in reference ? [{ path: ["services", index, "env", name], service: service.name, reference }] : []
      )
    )
  )

/** What decides whether other apps may link to an app. */
export interface LinkedApp {
  readonly app: AppName
  readonly stage: StageName
  readonly exports: Exports | null
  readonly services: ReadonlyArray<{ readonly name: ServiceName; readonly visibility: string | null }>
}

/** Where the linked app's description comes from: its last deployment, or its config in the same repository. */
export type LinkedFrom = "deployment" | "repository"

const shownApps = 5

const keyOf = (name: string) => (/^[a-z0-9]+$/.test(name) ? name : `"${name}"`)

const listed = (names: ReadonlyArray<string>) => names.map(quoted).join(", ")

/** Why the app may not use a service that exists, as a sentence with its fix. */
const exportFault = (app: AppName, service: ServiceName, found: LinkedApp, from: LinkedFrom): string => {
  const to = found.exports?.[service]?.to ?? []
  const others =
    to.length === 0 ? "" : `, only to ${listed(to.slice(0, shownApps))}${to.length > shownApps ? ", …" : ""}`
  const meant = nearest(app, to)
  const fault = `The app ${quoted(found.app)} (${found.stage}) doesn't export ${quoted(service)} to ${quoted(app)}${others}.`
  const after = from === "deployment" ? " and deploy that first" : ""
  if (meant !== undefined) {
    return `${fault} In the config of ${quoted(found.app)}, replace ${quoted(meant)} if it's a misspelling, or else add ${quoted(app)}${from === "deployment" ? ". Deploy that first" : ""}.`
  }
  const allowed = to.length > shownApps ? `[…, "${app}"]` : `[${listed([...to, app])}]`
  return `${fault} Add it to the config of ${quoted(found.app)}${after}: exports: { ${keyOf(service)}: { to: ${allowed} } }.`
}

/** Why an app can't use this service of an app that exists, as a sentence with its fix; undefined if it can. */
export const linkFault = (
  app: AppName,
  stage: StageName,
  reference: ExternalReference,
  found: LinkedApp,
  from: LinkedFrom
): string | undefined => {
  const target = targetOf(reference, stage)
  const service = found.services.find((each) => each.name === target.service)
  if (service === undefined) {
    const meant = nearest(
      target.service,
      found.services.map((each) => each.name)
    )
    return `The app ${quoted(target.app)} (${target.stage}) has no service ${quoted(target.service)}.${meant === undefined ? " Correct the name." : ` Did you mean ${quoted(meant)}?`}`
  }
  if (found.exports?.[target.service]?.to.includes(app) !== true) return exportFault(app, target.service, found, from)
  return reference.property === "publicUrl" && service.visibility === "internal"
    ? `${quoted(target.service)} of ${quoted(target.app)} is internal and has no public URL. Use its \`url\`.`
    : undefined
}
