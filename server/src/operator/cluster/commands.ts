import { type ObjectKind, objectKinds } from "@maxcloud/config-schema"
import { toYaml } from "@maxcloud/synth"
import { Effect, Either, Option, Schema } from "effect"
import { manifestRules } from "../../base/settings/manifestRules.ts"
import { defaultNamespacePrefix, NamespacePrefix, prefixHelp } from "../../base/words/namespacePrefix.ts"
import { askByHost } from "../../runtimes/kubeApi/askByHost.ts"
import type { ClusterConfigError } from "../../runtimes/kubeApi/ClusterConfigError.ts"
import { type ClusterSource, readCredentials } from "../../runtimes/kubeApi/connect.ts"
import { proxyOf } from "../../runtimes/kubeApi/connections.ts"
import { layer } from "../../runtimes/kubeApi/HttpKubeApi.ts"
import type { KubeApi, KubeError } from "../../runtimes/kubeApi/KubeApi.ts"
import type { ClusterProblem } from "./ClusterProblem.ts"
import { type CheckInput, type CheckResult, check as checkCluster } from "./check.ts"
import { type InstallInput, type InstallStep, install as installCluster } from "./install.ts"
import { installManifests } from "./installManifests.ts"
import { kubeconfigOf, serverToken } from "./serverKubeconfig.ts"

/** Why a command on a cluster failed, and how to fix it. */
export interface ClusterFailure {
  readonly ok: false
  readonly reason: "config" | "unreachable" | "forbidden" | "refused"
  readonly message: string
  readonly fix: string | undefined
}

export type ClusterResult<A> = { readonly ok: true; readonly value: A } | ClusterFailure

export interface ClusterChoice {
  /** Path of a kubeconfig; undefined: kubectl's own. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
}

const sourceOf = ({ context, kubeconfig }: ClusterChoice): ClusterSource =>
  kubeconfig === undefined ? { type: "standard", context } : { type: "file", path: kubeconfig, context }

const failureOf = (error: ClusterConfigError | KubeError | ClusterProblem): ClusterFailure => {
  if (error._tag === "ClusterProblem") return { ok: false, reason: "refused", message: error.message, fix: error.fix }
  if (error._tag === "ClusterConfigError") {
    return {
      ok: false,
      reason: error.reason === "unreachable" ? "unreachable" : "config",
      message: error.message,
      fix: undefined
    }
  }
  const reason =
    error.reason === "unreachable" || error.reason === "tooMany"
      ? "unreachable"
      : error.reason === "forbidden" || error.reason === "unauthorized"
        ? "forbidden"
        : "refused"
  return {
    ok: false,
    reason,
    message: error.message,
    fix: reason === "forbidden" ? "use a kubeconfig of a cluster administrator" : undefined
  }
}

const run = async <A>(
  choice: ClusterChoice,
  effect: Effect.Effect<A, ClusterConfigError | KubeError | ClusterProblem, KubeApi>
): Promise<ClusterResult<A>> =>
  Either.match(await Effect.runPromise(Effect.either(Effect.provide(effect, layer({ source: sourceOf(choice) })))), {
    onLeft: failureOf,
    onRight: (value) => ({ ok: true, value })
  })

export interface Installed {
  /** URL of the API server. */
  readonly server: string
  /**
   * False: somebody has to restart Kourier's controller before it asks the authorizer. Until then Envoy refuses every
   * request.
   */
  readonly kourierRestarted: boolean
  /** The prefix of tenants' namespaces. */
  readonly namespacePrefix: string
  /** The server was installed, but its Secret is missing: how to create it. */
  readonly createSecret: string | undefined
}

/** Prepares a cluster for max-cloud. Idempotent. */
export const install = (choice: ClusterChoice, input: InstallInput): Promise<ClusterResult<Installed>> =>
  run(choice, installCluster(input))

/** A gateway that waits for a starting instance answers within this. */
const askMillis = 15_000

/** What each check found. */
export const check = (choice: ClusterChoice, input: CheckInput): Promise<ClusterResult<ReadonlyArray<CheckResult>>> =>
  run(
    choice,
    Effect.flatMap(readCredentials(sourceOf(choice)), (credentials) =>
      // Node's own client takes no proxy, and a check must not fail for that.
      checkCluster(input, proxyOf(credentials) === undefined ? askByHost(credentials, askMillis) : undefined)
    )
  )

/** The objects of an installation as YAML, without a cluster. */
export const manifests = ({
  image,
  namespacePrefix = defaultNamespacePrefix,
  objects,
  server = false
}: {
  readonly image: string | undefined
  readonly server?: boolean | undefined
  readonly namespacePrefix?: string | undefined
  readonly objects?: ReadonlyArray<ObjectKind> | undefined
}): string =>
  toYaml(
    installManifests({ image, namespacePrefix, objects, server: server ? { hasServiceMonitors: false } : undefined })
  )

/** The kinds of objects that a value of MAXCLOUD_MANIFESTS allows in apps, or the problem with it. */
export const readObjectKinds = (written: string): ClusterResult<ReadonlyArray<ObjectKind>> => {
  const rules = manifestRules.read(written)
  if (Option.isNone(rules)) {
    return { ok: false, reason: "config", message: `"${written}" isn't valid: ${manifestRules.help}`, fix: undefined }
  }
  return { ok: true, value: objectKinds.filter((kind) => rules.value.some((rule) => rule.kind === kind)) }
}

/** Parses a prefix of tenants' namespaces, `none` for no prefix; or returns the problem. */
export const readNamespacePrefix = (written: string): ClusterResult<string> =>
  Either.match(Schema.decodeEither(NamespacePrefix)(written), {
    onLeft: () => ({
      ok: false,
      reason: "config",
      message: `"${written}" isn't valid: ${prefixHelp}`,
      fix: undefined
    }),
    onRight: (value) => ({ ok: true, value })
  })

export interface ServerKubeconfig {
  /** The file's text. It contains a token that gives its holder the server's rights. */
  readonly text: string
  readonly expiresAt: Date
}

/** A kubeconfig with the server's own rights, for a server outside of the cluster. */
export const kubeconfig = (choice: ClusterChoice, seconds: number): Promise<ClusterResult<ServerKubeconfig>> =>
  run(
    choice,
    Effect.gen(function* () {
      const { expiresAt, token } = yield* serverToken(seconds)
      return { text: kubeconfigOf(yield* readCredentials(sourceOf(choice)), token), expiresAt }
    })
  )

export type { CheckInput, CheckResult, InstallInput, InstallStep }
