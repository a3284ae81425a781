import { Effect, Schedule } from "effect"
import { within } from "../../../base/node/monotonic.ts"
import type { KubeApi, KubeError, KubeRequest } from "../../kubeApi/KubeApi.ts"
import { type Kind, pathOf } from "../../kubeApi/kinds.ts"
import { tenantBinding } from "../../kubeApi/tenantBinding.ts"
import { fieldManager } from "./managedFields.ts"

const roleBinding: Kind = {
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  plural: "rolebindings",
  namespaced: true
}

/** The part of the API client that this folder uses. */
export type Requests = Pick<KubeApi["Type"], "server" | "unreachableSince" | "awayMillis" | "request">

/** RBAC's wording (k8s.io/apiserver, endpoints/handlers/responsewriters). Admission refuses in other words. */
export const isUnauthorizedVerb = ({ message, reason }: KubeError) =>
  reason === "forbidden" && /User "[^"]*" cannot \w+ resource/.test(message)

/** The authorizer learns of a binding through a watch. */
const learnMillis = 10_000
const soon = Schedule.exponential("20 millis").pipe(Schedule.union(Schedule.spaced("250 millis")), within(learnMillis))

/** Creates the binding that grants the server's rights in a namespace, and sends requests that wait until it takes effect. */
export const makeBinding = (api: Requests) => {
  const boundAt = new Map<string, number>()
  /** Uid of the namespace with the binding. */
  const bound = new Map<string, string>()

  const isFresh = ({ path }: KubeRequest) => {
    const at = boundAt.get(path.split("/namespaces/")[1]?.split("/")[0] ?? "")
    return at !== undefined && performance.now() - at < learnMillis
  }

  const request = (asked: KubeRequest): Effect.Effect<unknown, KubeError> =>
    Effect.suspend(() =>
      isFresh(asked)
        ? api.request(asked).pipe(Effect.retry({ schedule: soon, while: isUnauthorizedVerb }))
        : api.request(asked)
    )

  const bind = (namespace: string, uid: string, { force }: { readonly force: boolean }) =>
    Effect.gen(function* () {
      if (bound.get(namespace) === uid && !force) return
      const manifest = tenantBinding(namespace)
      yield* api.request({
        method: "PATCH",
        path: pathOf(roleBinding, namespace, manifest.metadata.name),
        query: { fieldManager, force: "true" },
        contentType: "application/apply-patch+yaml",
        body: manifest
      })
      if (bound.get(namespace) !== uid) boundAt.set(namespace, performance.now())
      bound.set(namespace, uid)
    })

  return { request, bind }
}
export type Binding = ReturnType<typeof makeBinding>
