import { HttpApiBuilder, HttpServerResponse } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Deployments } from "../../control/deployments/Deployments.ts"
import { DriftLog } from "../../control/drift/DriftLog.ts"
import { NetworkVerifier } from "../../runtimes/port/NetworkVerifier.ts"
import { appSecrets } from "./appSecrets.ts"

export const appsHandlers = HttpApiBuilder.group(MaxCloudApi, "apps", (handlers) =>
  Effect.gen(function* () {
    const deployments = yield* Deployments
    const secrets = yield* appSecrets
    const drift = yield* DriftLog
    const network = yield* NetworkVerifier
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
      .handle("secrets", ({ path }) => secrets.list(path))
      .handle("setSecret", ({ path: { name, ...stage }, payload }) => secrets.set(stage, name, payload))
      .handle("importSecrets", ({ path, payload }) => secrets.importAll(path, payload))
      .handle("secretVersions", ({ path: { name, ...stage } }) => secrets.versions(stage, name))
      .handle("rollbackSecret", ({ path: { name, ...stage }, payload }) =>
        secrets.rollback(stage, name, payload.version)
      )
      .handle("unsetSecret", ({ path: { name, ...stage } }) => secrets.unset(stage, name))
  })
)
