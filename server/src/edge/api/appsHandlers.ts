import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import type { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import { CurrentOrganization, MaxCloudApi, NotFound, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Option } from "effect"
import { Deployments } from "../../control/deployments/Deployments.ts"
import { DriftLog } from "../../control/drift/DriftLog.ts"
import { NetworkVerifier } from "../../runtimes/port/NetworkVerifier.ts"
import { Platform } from "../../runtimes/port/Platform.ts"
import { heldElsewhere } from "../../stores/secrets/externalSecrets.ts"
import { Secrets, type SecretsError } from "../../stores/secrets/Secrets.ts"

export const appsHandlers = HttpApiBuilder.group(MaxCloudApi, "apps", (handlers) =>
  Effect.gen(function* () {
    const deployments = yield* Deployments
    const secrets = yield* Secrets
    const drift = yield* DriftLog
    const network = yield* NetworkVerifier
    const { externalSecrets } = yield* Platform
    const keptHere = (place: { readonly app: AppName; readonly stage: StageName }, names: ReadonlyArray<SecretName>) =>
      Effect.flatMap(CurrentOrganization, ({ name }) =>
        externalSecrets === undefined
          ? Effect.void
          : Effect.fail(heldElsewhere(externalSecrets, { organization: name, ...place }, names))
      )
    return handlers
      .handle("list", () =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          Effect.map(deployments.apps(organization), (apps) => ({ apps }))
        )
      )
      .handle("plan", ({ path, payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          // As it is: a Schema takes as long for the largest plan as for the app itself, and in it nothing is encoded.
          Effect.map(deployments.plan({ organization, ...path, spec: payload.spec }), (plan) =>
            HttpServerResponse.unsafeJson(plan)
          )
        )
      )
      .handle("deploy", ({ headers, path, payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          deployments.accept({
            organization,
            ...path,
            spec: payload.spec,
            idempotencyKey: headers["idempotency-key"],
            forceConflicts: payload.forceConflicts
          })
        )
      )
      .handle("deployments", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          Effect.map(deployments.list(organization, path.app, path.stage), (deployments) => ({ deployments }))
        )
      )
      .handle("destroy", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.destroy(organization, path.app, path.stage))
      )
      .handle("drift", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) =>
          Effect.map(drift.list(organization, path.app, path.stage), (drift) => ({ drift }))
        )
      )
      .handle("verifyNetwork", ({ path }) =>
        Effect.flatMap(CurrentOrganization, (organization) => network.verify(organization, path.app, path.stage))
      )
      .handle("secrets", ({ path }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) =>
          secrets
            .list({ organizationId: id, ...path })
            .pipe(Effect.mapBoth({ onSuccess: (secrets) => ({ secrets: [...secrets] }), onFailure: unavailable }))
        )
      )
      .handle("setSecret", ({ path: { name, ...stage }, payload }) =>
        Effect.zipRight(
          keptHere(stage, [name]),
          Effect.flatMap(CurrentOrganization, ({ id }) =>
            Effect.mapError(secrets.set({ organizationId: id, ...stage }, name, payload.value), unavailable)
          )
        )
      )
      .handle("importSecrets", ({ path, payload }) =>
        Effect.zipRight(
          keptHere(
            path,
            payload.secrets.map((secret) => secret.name)
          ),
          Effect.flatMap(CurrentOrganization, ({ id }) =>
            secrets
              .importAll({ organizationId: id, ...path }, payload.secrets)
              .pipe(Effect.mapBoth({ onSuccess: (secrets) => ({ secrets: [...secrets] }), onFailure: unavailable }))
          )
        )
      )
      .handle("secretVersions", ({ path: { name, ...stage } }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          const versions = yield* Effect.mapError(secrets.versions({ organizationId: id, ...stage }, name), unavailable)
          if (versions.length === 0) return yield* noSecret(stage, name)
          return { versions: [...versions] }
        })
      )
      .handle("rollbackSecret", ({ path: { name, ...stage }, payload: { version } }) =>
        Effect.gen(function* () {
          yield* keptHere(stage, [name])
          const { id } = yield* CurrentOrganization
          const scope = { organizationId: id, ...stage }
          const info = yield* Effect.mapError(secrets.rollback(scope, name, version), unavailable)
          if (Option.isSome(info)) return info.value
          return yield* new NotFound({
            resource: "secret",
            name,
            detail: `app "${stage.app}" keeps no version ${version} of the secret "${name}" in stage "${stage.stage}"; \`maxcloud secrets versions ${name}\` lists those that are kept`
          })
        })
      )
      .handle("unsetSecret", ({ path: { name, ...stage } }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          const was = yield* Effect.mapError(secrets.unset({ organizationId: id, ...stage }, name), unavailable)
          if (!was) return yield* noSecret(stage, name)
        })
      )
  })
)

const unavailable = ({ message }: SecretsError) => new Unavailable({ detail: message, retryAfterSeconds: 5 })

const noSecret = ({ app, stage }: { readonly app: string; readonly stage: string }, name: string) =>
  new NotFound({
    resource: "secret",
    name,
    detail: `app "${app}" has no secret "${name}" in stage "${stage}"`
  })
