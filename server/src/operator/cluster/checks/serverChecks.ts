import { Effect, Option } from "effect"
import { classesIn, runtimeClasses } from "../../../base/settings/runtimeClasses.ts"
import { KubeApi } from "../../../runtimes/kubeApi/KubeApi.ts"
import { runtimeClassPath, sandbox } from "../../../runtimes/kubernetes/runtimeClass.ts"
import { unlessMissing } from "../applyObjects.ts"
import { ClusterProblem } from "../ClusterProblem.ts"
import { serverState } from "../serverState.ts"
import type { Check, Fault } from "./Check.ts"

const serverCheck = (name: "server secret" | "server logs" | "servers ready", shows: string): Check => ({
  name,
  shows,
  needs: ["kubernetes"],
  run: Effect.map(serverState, ({ findings }) => findings.find((finding) => finding.name === name))
})

/** The servers that `cluster install --server` has started. */
export const serverChecks: ReadonlyArray<Check> = [
  serverCheck("server secret", "the Secret with the server's settings exists"),
  serverCheck("server logs", "all servers share the stored logs"),
  serverCheck("servers ready", "every server is ready")
]

const missingClass = (name: string, byDefault: boolean): Fault =>
  byDefault
    ? {
        message: `the cluster has no RuntimeClass ${name}, so programs of organizations share the kernel of its nodes`,
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
