import { X509Certificate } from "node:crypto"
import { existsSync } from "node:fs"
import type { RequestOptions } from "node:https"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js"
import type { Cluster, User } from "@kubernetes/client-node/dist/config_types.js"
import { Effect } from "effect"
import { ClusterConfigError } from "./ClusterConfigError.ts"

/** Where the cluster's address and credentials come from. */
export type ClusterSource =
  /** A kubeconfig; `context` overrides its current one. */
  | { readonly type: "file"; readonly path: string; readonly context?: string | undefined }
  /** In kubectl's order: `KUBECONFIG`, `~/.kube/config`, the pod's own. */
  | { readonly type: "standard"; readonly context?: string | undefined }
  /** The service account of the pod that this process runs in. */
  | { readonly type: "inCluster" }

/** The address and credentials for a connection to the API server. */
export interface ClusterCredentials {
  /** URL of the API server, without a trailing slash. */
  readonly server: string
  /** Where these values come from, for messages. */
  readonly origin: string
  readonly tls: {
    readonly ca: Buffer | string | undefined
    readonly cert: Buffer | string | undefined
    readonly key: Buffer | string | undefined
    readonly servername: string | undefined
    readonly rejectUnauthorized: boolean | undefined
  }
  /** An HTTP proxy for the API server. */
  readonly proxy: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** The credentials come from a token file or a plugin, and change over time. */
  readonly changing: boolean
}

const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)).slice(0, 500)

const tokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"
const inPod = () => process.env["KUBERNETES_SERVICE_HOST"] !== undefined && existsSync(tokenFile)

interface Place {
  readonly origin: string
  readonly context: string | undefined
  readonly load: (config: KubeConfig) => void
}

const fileIsMissing = (path: string, fix: string) =>
  new ClusterConfigError({ reason: "missing", message: `The kubeconfig ${path} doesn't exist. ${fix}` })

const placeOf = (source: ClusterSource): Effect.Effect<Place, ClusterConfigError> => {
  if (source.type === "inCluster") {
    return inPod()
      ? Effect.succeed({
          origin: "the pod's service account",
          context: undefined,
          load: (config) => config.loadFromCluster()
        })
      : Effect.fail(
          new ClusterConfigError({
            reason: "missing",
            message: `This process doesn't run in a pod with a service account (KUBERNETES_SERVICE_HOST, ${tokenFile}). Name a kubeconfig, or mount the token (automountServiceAccountToken)`
          })
        )
  }
  const { context } = source
  if (source.type === "file") {
    return existsSync(source.path)
      ? Effect.succeed({ origin: source.path, context, load: (config) => config.loadFromFile(source.path) })
      : Effect.fail(fileIsMissing(source.path, "Name an existing one, or leave it out to use kubectl's"))
  }
  const named = process.env["KUBECONFIG"] ?? ""
  if (named !== "") {
    const missing = named.split(delimiter).find((path) => path !== "" && !existsSync(path))
    return missing === undefined
      ? Effect.succeed({ origin: named, context, load: (config) => config.loadFromDefault() })
      : Effect.fail(fileIsMissing(missing, "Correct the environment variable KUBECONFIG"))
  }
  const path = join(homedir(), ".kube", "config")
  if (existsSync(path)) return placeOf({ type: "file", path, context })
  return inPod()
    ? placeOf({ type: "inCluster" })
    : Effect.fail(
        new ClusterConfigError({
          reason: "missing",
          message: `No cluster is configured: KUBECONFIG is unset, ${path} doesn't exist, and this isn't a pod. Name a kubeconfig, or create one with the tool that created the cluster`
        })
      )
}

const header = (headers: RequestOptions["headers"], name: string): Readonly<Record<string, string>> => {
  const value: unknown = headers === undefined ? undefined : Reflect.get(headers, name)
  return typeof value === "string" ? { [name.toLowerCase()]: value.trim() } : {}
}

const material = (value: unknown): Buffer | string | undefined =>
  typeof value === "string" || Buffer.isBuffer(value) ? value : undefined

const expiredSince = (cert: Buffer | string | undefined): string | undefined => {
  if (cert === undefined) return undefined
  const { validTo } = new X509Certificate(cert)
  return Date.parse(validTo) < Date.now() ? new Date(validTo).toISOString() : undefined
}

/** Reads the kubeconfig with the context's cluster and user. */
const readConfig = Effect.fnUntraced(function* ({ context, load, origin }: Place) {
  // Import only this module of the client, and only on use: with its generated API it takes half a second and 80 MB.
  const { KubeConfig } = yield* Effect.promise(() => import("@kubernetes/client-node/dist/config.js"))
  const config = new KubeConfig()
  yield* Effect.try({
    try: () => load(config),
    catch: (cause) =>
      new ClusterConfigError({
        reason: "invalid",
        message: `${origin} isn't a kubeconfig: ${messageOf(cause).split("\n")[0] ?? ""}. Create it again with the tool that created the cluster`
      })
  })
  if (context !== undefined) config.setCurrentContext(context)
  const current = config.getContextObject(config.getCurrentContext() ?? "")
  if (current === null) {
    const known = config.getContexts().map((getContext) => getContext.name)
    return yield* new ClusterConfigError({
      reason: "context",
      message:
        known.length === 0
          ? `${origin} has no contexts. It is empty or isn't a kubeconfig`
          : `${origin} has no context ${config.getCurrentContext() ?? ""}. Choose one of ${known.join(", ")}`
    })
  }
  const cluster = config.getCurrentCluster()
  const user = config.getCurrentUser()
  if (cluster === null || user === null) {
    const lacks = cluster === null ? `cluster ${current.cluster}` : `user ${current.user}`
    return yield* new ClusterConfigError({
      reason: "context",
      message: `Context ${current.name} of ${origin} refers to the ${lacks}, which doesn't exist. Add it, or choose another context`
    })
  }
  if (cluster.proxyUrl?.startsWith("socks") === true) {
    return yield* new ClusterConfigError({
      reason: "unsupported",
      message: `${origin} uses a SOCKS proxy (proxy-url). Only HTTP proxies are supported`
    })
  }
  return { config, cluster, user }
})

/** Fails if a client certificate isn't one, or has expired. */
const checkCertificate = (cert: Buffer | string | undefined, user: User, origin: string) =>
  Effect.gen(function* () {
    const expired = yield* Effect.try({
      try: () => expiredSince(cert),
      catch: () =>
        new ClusterConfigError({
          reason: "credentials",
          message: `The client certificate of user ${user.name} in ${origin} isn't a PEM certificate. Create the kubeconfig again`
        })
    })
    if (expired !== undefined) {
      return yield* new ClusterConfigError({
        reason: "credentials",
        message: `The client certificate of user ${user.name} in ${origin} expired at ${expired}. Get a new kubeconfig`
      })
    }
  })

const credentialsOf = (cluster: Cluster, user: User, options: RequestOptions, origin: string): ClusterCredentials => {
  const basic = typeof options.auth === "string" ? Buffer.from(options.auth).toString("base64") : undefined
  const servername: unknown = Reflect.get(options, "servername")
  return {
    server: cluster.server.replace(/\/$/, ""),
    origin,
    tls: {
      ca: material(options.ca),
      cert: material(options.cert),
      key: material(options.key),
      servername: typeof servername === "string" ? servername : undefined,
      rejectUnauthorized: options.rejectUnauthorized
    },
    proxy: cluster.proxyUrl,
    headers: {
      ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
      ...header(options.headers, "Authorization"),
      ...header(options.headers, "Impersonate-User")
    },
    changing: Boolean(user.exec) || Boolean(user.authProvider)
  }
}

/** Reads the credentials again, including files and plugins. */
export const readCredentials = Effect.fn("readCredentials")(function* (source: ClusterSource) {
  const place = yield* placeOf(source)
  const { origin } = place
  const { cluster, config, user } = yield* readConfig(place)
  const options: RequestOptions = {}
  yield* Effect.tryPromise({
    try: () => config.applyToHTTPSOptions(options),
    catch: (cause) =>
      new ClusterConfigError({
        reason: "credentials",
        message: `Couldn't read the credentials of user ${user.name} in ${origin}: ${messageOf(cause)}. Fix the file or the plugin (${user.exec?.command ?? "none"}) that provides them`
      })
  })
  yield* checkCertificate(material(options.cert), user, origin)
  return credentialsOf(cluster, user, options, origin)
})
