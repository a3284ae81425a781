import type { ClusterFailure, ClusterResult, cluster } from "@maxcloud/server"
import { Effect } from "effect"
import { text } from "../args/flags.ts"
import type { ExitCode } from "../errors/exitCodes.ts"
import { CommandFailed } from "../errors/failure.ts"

/** The server's part for clusters, loaded when a command needs it. */
export const loadCluster: Effect.Effect<typeof cluster> = Effect.promise(
  async () => (await import("@maxcloud/server")).cluster
)

/** Flags of the commands that talk to a cluster as its administrator. */
export const clusterFlags = {
  kubeconfig: text("kubeconfig", "FILE", {
    description: "Kubeconfig of a cluster administrator [KUBECONFIG, ~/.kube/config]"
  }),
  context: text("context", "NAME", { description: "Context of the kubeconfig [its current one]" })
}

/** For the commands that install or check. */
export const prefixFlag = {
  namespacePrefix: text("namespace-prefix", "PREFIX", {
    mayBeEmpty: true,
    description: "Prefix of tenants' namespaces, or none [the cluster's current one; mc- in a new installation]"
  })
}

/** The manifests that apps may add: the server's rights depend on them. */
export const manifestsFlag = {
  manifests: text("manifests", "FIELDS", {
    mayBeEmpty: true,
    description: "MAXCLOUD_MANIFESTS of the server [$MAXCLOUD_MANIFESTS]"
  })
}

/** The kinds of objects that apps may add. */
export const readObjectKinds = ({ readObjectKinds: read }: typeof cluster, written: string | undefined) =>
  Effect.flatMap(
    Effect.promise(() => read(written ?? process.env["MAXCLOUD_MANIFESTS"] ?? "")),
    succeed
  )

/** The prefix, if one was given. Empty means no prefix. */
export const readPrefix = (
  { readNamespacePrefix }: typeof cluster,
  written: string | undefined
): Effect.Effect<string | undefined, CommandFailed> =>
  written === undefined
    ? Effect.succeed(undefined)
    : Effect.flatMap(
        Effect.promise(() => readNamespacePrefix(written)),
        succeed
      )

const exits: Readonly<Record<ClusterFailure["reason"], ExitCode>> = {
  config: 2,
  unreachable: 3,
  forbidden: 4,
  refused: 1
}

/** The value, or the failure as this command's failure. */
export const succeed = <A>(result: ClusterResult<A>): Effect.Effect<A, CommandFailed> =>
  result.ok
    ? Effect.succeed(result.value)
    : new CommandFailed({
        tag: "ClusterFailure",
        exit: exits[result.reason],
        message: result.message,
        ...(result.fix === undefined ? {} : { fix: result.fix })
      })
