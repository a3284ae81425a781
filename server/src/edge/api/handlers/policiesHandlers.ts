import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi, PolicyList } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Deployments } from "../../../control/deployments/Deployments.ts"
import { Policies } from "../../../tenancy/policies/Policies.ts"
import { answerPage } from "./answerPage.ts"

export const policiesHandlers = HttpApiBuilder.group(MaxCloudApi, "policies", (handlers) =>
  Effect.gen(function* () {
    const policies = yield* Policies
    const deployments = yield* Deployments
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) =>
          answerPage(PolicyList, policies.page(id, PolicyList.pagingOf(urlParams)))
        )
      )
      .handle("get", ({ path }) => Effect.flatMap(CurrentOrganization, ({ id }) => policies.get(id, path.name)))
      .handle("set", ({ path, payload }) =>
        Effect.gen(function* () {
          const organization = yield* CurrentOrganization
          const policy = yield* policies.set(organization.id, path.name, payload)
          return { policy, ...(yield* deployments.tryPolicy(organization, { ...payload, name: path.name })) }
        })
      )
      .handle("remove", ({ path }) => Effect.flatMap(CurrentOrganization, ({ id }) => policies.remove(id, path.name)))
      .handle("test", ({ payload }) =>
        Effect.flatMap(CurrentOrganization, (organization) => deployments.testPolicy(organization, payload))
      )
  })
)
