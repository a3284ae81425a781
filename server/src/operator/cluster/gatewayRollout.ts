import { Effect, Option, Schedule } from "effect"
import { within } from "../../base/node/monotonic.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { gatewayName, knativeNamespace, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { installManager, unlessMissing } from "./applyObjects.ts"
import { ClusterProblem } from "./ClusterProblem.ts"
import { readDeployment } from "./deploymentObject.ts"
import { deployments } from "./installKinds.ts"

const rolloutSeconds = 180

/**
 * Waits until every instance of the authorizer is of this installation and ready, because Envoy refuses all requests
 * that it can't ask about.
 */
export const awaitGateway = Effect.gen(function* () {
  const api = yield* KubeApi
  const path = pathOf(deployments, systemNamespace, gatewayName)
  const isDone = Effect.map(api.request({ method: "GET", path }), (answer) =>
    Option.exists(
      readDeployment(answer),
      ({ metadata, spec, status }) =>
        status.observedGeneration >= metadata.generation &&
        status.updatedReplicas >= spec.replicas &&
        status.readyReplicas >= spec.replicas
    )
  )
  const done = yield* isDone.pipe(
    Effect.repeat({
      until: (value) => value,
      schedule: Schedule.spaced("500 millis").pipe(within(`${rolloutSeconds} seconds`))
    }),
    Effect.zipRight(isDone)
  )
  if (!done) {
    return yield* new ClusterProblem({
      message: `the gateway's authorizer isn't ready after ${rolloutSeconds} s, so Kourier wasn't configured to use it`,
      fix: `find out why (kubectl -n ${systemNamespace} describe pods -l app.kubernetes.io/name=${gatewayName}), and run it again`
    })
  }
})

const controller = "net-kourier-controller"

/**
 * Restarts Kourier's controller, which only learns about an authorizer when it starts. False if no Deployment has this
 * name: then you have to restart it yourself.
 */
export const restartKourier = Effect.gen(function* () {
  const api = yield* KubeApi
  const path = pathOf(deployments, knativeNamespace, controller)
  const restarted = yield* unlessMissing(
    api.request({
      method: "PATCH",
      path,
      query: { fieldManager: installManager },
      contentType: "application/merge-patch+json",
      body: {
        spec: {
          template: { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() } } }
        }
      }
    })
  )
  return Option.isSome(restarted)
})
