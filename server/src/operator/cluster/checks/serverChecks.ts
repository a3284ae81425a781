import { Effect, Option } from "effect"
import { classesIn, runtimeClasses } from "../../../base/settings/runtimeClasses.ts"
import { KubeApi } from "../../../runtimes/kubeApi/KubeApi.ts"
import { systemNamespace } from "../../../runtimes/kubeApi/systemNames.ts"
import { runtimeClassPath, sandbox } from "../../../runtimes/kubernetes/runtimeClass.ts"
import { unlessMissing } from "../applyObjects.ts"
import { ClusterProblem } from "../ClusterProblem.ts"
import type { Deployment } from "../deploymentObject.ts"
import { serverName } from "../serverManifests.ts"
import { createServerSecret, hasServerSecret, sharesLogs } from "../serverState.ts"
import type { Check, Fault } from "./Check.ts"

const kubectl = `kubectl -n ${systemNamespace}`

/** The servers that `cluster install --server` has started. */
export const serverChecks = ({ spec, status }: Deployment): ReadonlyArray<Check> => [
  {
    name: "server secret",
    shows: "the Secret with the server's settings exists",
    needs: ["kubernetes"],
    run: Effect.map(hasServerSecret, (found) =>
      found
        ? undefined
        : {
            message: `the Secret ${systemNamespace}/${serverName} with the server's settings is missing, so the server can't start`,
            fix: createServerSecret
          }
    )
  },
  {
    name: "server logs",
    shows: "all servers share the stored logs",
    needs: ["kubernetes"],
    run: Effect.map(Effect.forEach(spec.template.spec.containers.slice(0, 1), sharesLogs), (shares) =>
      shares.every(Boolean)
        ? undefined
        : {
            message: `MAXCLOUD_LOGS in ConfigMap ${systemNamespace}/${serverName} isn't s3 or loki, so only one of ${spec.replicas} servers can start`,
            fix: `${kubectl} edit configmap ${serverName}`
          }
    )
  },
  {
    name: "servers ready",
    shows: "every server is ready",
    needs: ["kubernetes"],
    run: Effect.succeed(
      status.readyReplicas >= spec.replicas
        ? undefined
        : {
            message: `only ${status.readyReplicas} of ${spec.replicas} servers are ready`,
            fix: `${kubectl} logs -l app.kubernetes.io/name=${serverName} --tail 20`
          }
    )
  }
]

const missingClass = (name: string, byDefault: boolean): Fault =>
  byDefault
    ? {
        message: `the cluster has no RuntimeClass ${name}, so programs of organizations share the kernel of its nodes, or don't start if they have run in it before`,
        fix: "install gVisor on the nodes and create its RuntimeClass, or set MAXCLOUD_RUNTIME_CLASS=none on the server and check with the same: --runtime-class none"
      }
    : {
        message: `the cluster has no RuntimeClass ${name} (MAXCLOUD_RUNTIME_CLASS), so pods with it don't start`,
        fix: "create it, or correct the setting"
      }

/** The runtime classes of the setting, or the sandbox by default. Without one, programs share the nodes' kernel, or don't start. */
export const runtimeClassChecks = (
  written: string | undefined
): Effect.Effect<ReadonlyArray<Check>, ClusterProblem> => {
  const classes =
    written === undefined ? Option.some({ all: undefined, organizations: {} }) : runtimeClasses.read(written)
  if (Option.isNone(classes)) {
    return new ClusterProblem({
      message: `"${written}" isn't valid: ${runtimeClasses.help}`,
      fix: "pass the same as MAXCLOUD_RUNTIME_CLASS on the server, such as --runtime-class gvisor"
    })
  }
  const byDefault = classes.value.all === undefined ? [sandbox] : []
  return Effect.succeed(
    [...new Set([...byDefault, ...classesIn(classes.value)])].map((name) => ({
      name: `runtime class ${name}`,
      shows: "programs of organizations run in it",
      needs: ["kubernetes"],
      run: Effect.flatMap(KubeApi, (api) =>
        unlessMissing(api.request({ method: "GET", path: runtimeClassPath(name) }))
      ).pipe(Effect.map((found) => (Option.isSome(found) ? undefined : missingClass(name, byDefault.includes(name)))))
    }))
  )
}
