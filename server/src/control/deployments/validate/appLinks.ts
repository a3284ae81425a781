import { SqlClient } from "@effect/sql/SqlClient"
import {
  AppName,
  type AppSpec,
  appLinksOf,
  Exports,
  type ExternalReference,
  linkFault,
  nearest,
  ServiceName,
  type SpecIssue,
  StageName,
  targetOf
} from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"

const Exporter = Schema.Struct({
  app: AppName,
  stage: StageName,
  exports: Schema.NullOr(Exports),
  services: Schema.NullOr(Schema.Array(Schema.Struct({ name: ServiceName, visibility: Schema.NullOr(Schema.String) })))
})
const decodeExporters = Schema.decodeUnknownSync(Schema.Array(Exporter))

/** The exports and services of apps in their last accepted deployment. */
const exportersOf = (organizationId: string, apps: ReadonlyArray<AppName>) =>
  Effect.flatMap(SqlClient, (sql) =>
    apps.length === 0
      ? Effect.succeed([])
      : sql`
          select a.app, a.stage, d.spec -> 'exports' as exports, (
            select json_agg(json_build_object('name', e ->> 'name', 'visibility', e ->> 'visibility'))
            from json_array_elements(d.spec -> 'services') as e
          ) as services
          from app_stages a
          join deployments d on d.organization_id = a.organization_id and d.app = a.app and d.stage = a.stage
            and d.number = a.last_number
          where a.organization_id = ${organizationId} and a.app in ${sql.in(apps)}
          order by a.app, a.stage`
  ).pipe(Effect.map(decodeExporters))

const listed = (names: ReadonlyArray<string>) => names.map((name) => `"${name}"`).join(", ")

/** The names of the organization's deployed apps, for the one that a misspelled name may mean. */
const deployedApps = (organizationId: string) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql`select distinct app from app_stages where organization_id = ${organizationId} order by app limit 1000`,
      (rows) => Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ app: AppName })))(rows).map(({ app }) => app)
    )
  )

/** Why an app may not refer to a service of another app, as a sentence with its fix; undefined if it may. */
const refusalOf = (
  { app, organization, stage }: Target,
  reference: ExternalReference,
  exporters: ReadonlyArray<typeof Exporter.Type>
) =>
  Effect.gen(function* () {
    const target = targetOf(reference, stage)
    const stages = exporters.filter((each) => each.app === target.app && (each.services ?? []).length > 0)
    const found = stages.find((each) => each.stage === target.stage)
    if (found !== undefined) {
      return linkFault(app, stage, reference, { ...found, services: found.services ?? [] }, "deployment")
    }
    const others = stages.map((each) => each.stage)
    if (others.length > 0) {
      return `The app "${target.app}" isn't deployed to the stage "${target.stage}". It has ${listed(others)}. Deploy it there, or write external("${target.app}", "${target.service}", { stage: "${others[0]}" }).`
    }
    const names = (yield* deployedApps(organization.id)).filter((each) => each !== app)
    const meant = nearest(target.app, names)
    return `The app "${target.app}" isn't deployed. ${meant === undefined ? "Deploy it first, or correct its name." : `Did you mean "${meant}"? If not, deploy it first.`}`
  })

/** The links of an app to others that can't work: the other app isn't there, or doesn't allow it. */
const externalProblems = (target: Target, spec: AppSpec) =>
  Effect.gen(function* () {
    const links = appLinksOf(spec)
    const apps = [...new Set(links.map(({ reference }) => targetOf(reference, target.stage).app))]
    const exporters = yield* exportersOf(target.organization.id, apps)
    const found = yield* Effect.forEach(links, ({ path, reference }) =>
      Effect.map(
        refusalOf(target, reference, exporters),
        (message): ReadonlyArray<SpecIssue> => (message === undefined ? [] : [{ path, message }])
      )
    )
    return found.flat()
  })

const Importer = Schema.Struct({
  app: AppName,
  stage: StageName,
  service: ServiceName,
  to_service: ServiceName,
  uses_public_url: Schema.Boolean
})
const decodeImporters = Schema.decodeUnknownSync(Schema.Array(Importer))

/** The links of other apps that a spec would break. They must be removed first, so that nothing breaks silently. */
export const brokenLinks = ({ app, organization, stage }: Target, spec: Pick<AppSpec, "exports" | "services">) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const importers = decodeImporters(
      yield* sql`
        select app, stage, service, to_service, uses_public_url from app_links
        where organization_id = ${organization.id} and to_app = ${app} and to_stage = ${stage}
        order by app, stage, service, to_service limit 1000`
    )
    return importers.flatMap((importer): ReadonlyArray<SpecIssue> => {
      const name = importer.to_service
      const user = `"${importer.service}" of "${importer.app}" (${importer.stage})`
      const fix = `Deploy "${importer.app}" without external("${app}", "${name}") first, or keep it.`
      const at = spec.services.findIndex((service) => service.name === name)
      const service = spec.services[at]
      if (service === undefined) {
        return [{ path: ["services"], message: `The service "${name}" can't be removed: ${user} uses it. ${fix}` }]
      }
      if (spec.exports[name]?.to.includes(importer.app) !== true) {
        return [
          {
            path: ["exports"],
            message: `The export of "${name}" to "${importer.app}" can't be removed: ${user} uses it. ${fix}`
          }
        ]
      }
      return importer.uses_public_url && service.visibility === "internal"
        ? [
            {
              path: ["services", at, "visibility"],
              message: `"${name}" can't become internal: ${user} uses its public URL. ${fix}`
            }
          ]
        : []
    })
  })

/** Broken links between apps, in both directions: those of this app, and those of others to what it removes. */
export const linkProblems = (target: Target, spec: AppSpec) =>
  Effect.zipWith(externalProblems(target, spec), brokenLinks(target, spec), (own, ofOthers) => [...own, ...ofOthers])

/** Replaces the stored links of the app and stage with those of an accepted spec. */
export const saveLinks = ({ app, organization, stage }: Target, spec: AppSpec) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`
      delete from app_links where organization_id = ${organization.id} and app = ${app} and stage = ${stage}`
    const rows = new Map<string, Readonly<Record<string, string | boolean>>>()
    for (const { reference, service } of appLinksOf(spec)) {
      const target = targetOf(reference, stage)
      const key = [service, target.app, target.stage, target.service].join("/")
      const usesPublicUrl = reference.property === "publicUrl" || rows.get(key)?.["uses_public_url"] === true
      rows.set(key, {
        organization_id: organization.id,
        app,
        stage,
        service,
        to_app: target.app,
        to_stage: target.stage,
        to_service: target.service,
        uses_public_url: usesPublicUrl
      })
    }
    if (rows.size > 0) yield* sql`insert into app_links ${sql.insert([...rows.values()])}`
  })
