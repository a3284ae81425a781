import { Deferred, Effect, type Scope, Stream } from "effect"
import { faultLog } from "../../base/node/faultLog.ts"
import { KubeApi, type WatchEvent } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds } from "../../runtimes/kubeApi/kinds.ts"
import { type Authorizer, type GatewayError, makeAuthorizer } from "./Authorizer.ts"
import { makeTenantNetwork, readNamespace, readPod, readService } from "./TenantNetwork.ts"

const ours = "app.kubernetes.io/managed-by=maxcloud"

/** The authorizer, listening once it has read the cluster, until the scope closes. */
export const makeGateway = (options: {
  readonly port: number
  readonly host?: string
}): Effect.Effect<Authorizer, GatewayError, KubeApi | Scope.Scope> =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const network = makeTenantNetwork()
    const follow = <A>(events: Stream.Stream<WatchEvent<A>>, take: (event: WatchEvent<A>) => void) =>
      Effect.gen(function* () {
        const listed = yield* Deferred.make<void>()
        yield* events.pipe(
          Stream.runForEach((event) => {
            take(event)
            return event.type === "list" ? Deferred.succeed(listed, undefined) : Effect.void
          }),
          Effect.forkScoped
        )
        return Deferred.await(listed)
      })
    const listed = [
      yield* follow(
        api.watch({ kind: kinds.namespace, labelSelector: ours, metadataOnly: true, decode: readNamespace }),
        network.namespaces
      ),
      yield* follow(
        api.watch({ kind: kinds.service, labelSelector: ours, metadataOnly: true, decode: readService }),
        network.services
      ),
      yield* follow(api.watch({ kind: kinds.pod, decode: readPod }), network.pods)
    ]
    yield* Effect.all(listed, { discard: true })
    const onFault = yield* faultLog("Couldn't answer a check of the gateway.")
    const authorizer = yield* makeAuthorizer({ network, ...options, onFault })
    yield* Effect.logInfo(`The gateway's authorizer listens on port ${authorizer.port}`)
    return authorizer
  })
