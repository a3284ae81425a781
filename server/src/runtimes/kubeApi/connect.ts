import { X509Certificate } from "node:crypto"
import { existsSync } from "node:fs"
import type { RequestOptions } from "node:https"
import { homedir } from "node:os"
import { delimiter, join } from "node:path"
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js"
import type { Cluster, User } from "@kubernetes/client-node/dist/config_types.js"
import { Effect } from "effect"
import { ClusterConfigError } from "./ClusterConfigError.ts"

/** Origin of the cluster's address and credentials. */
export type ClusterSource =
  /** A kubeconfig; `context`: another than its current one. */
  | { readonly type: "file"; readonly path: string; readonly context?: string | undefined }
  /** As kubectl does: `KUBECONFIG`, `~/.kube/config`, the pod's own. */
  | { readonly type: "standard"; readonly context?: string | undefined }
  /** The service account of the pod that this runs in. */
  | { readonly type: "inCluster" }

/** The address and credentials for a connection to the API server. */
export interface ClusterCredentials {
  /** URL of the API server, without a slash at its end. */
  readonly server: string
  /** The source of these values, for messages. */
  readonly origin: string
  readonly tls: {
    readonly ca: Buffer | string | undefined
    readonly cert: Buffer | string | undefined
    readonly key: Buffer | string | undefined
    readonly servername: string | undefined
    readonly rejectUnauthorized: boolean | undefined
  }
  /** An HTTP proxy before the API server. */
  readonly proxy: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** By a token file or a plugin, which give another with time. */
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
  new ClusterConfigError({ reason: "missing", message: `the kubeconfig ${path} does not exist: ${fix}` })

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
            message: `this isn't a pod with a service account (KUBERNETES_SERVICE_HOST, ${tokenFile}): name a kubeconfig, or let the pod mount its token (automountServiceAccountToken)`
          })
        )
  }
  const { context } = source
  if (source.type === "file") {
    return existsSync(source.path)
      ? Effect.succeed({ origin: source.path, context, load: (config) => config.loadFromFile(source.path) })
      : Effect.fail(fileIsMissing(source.path, "name one that does, or leave it out to use kubectl's"))
  }
  const named = process.env["KUBECONFIG"] ?? ""
  if (named !== "") {
    const missing = named.split(delimiter).find((path) => path !== "" && !existsSync(path))
    return missing === undefined
      ? Effect.succeed({ origin: named, context, load: (config) => config.loadFromDefault() })
      : Effect.fail(fileIsMissing(missing, "correct the environment variable KUBECONFIG"))
  }
  const path = join(homedir(), ".kube", "config")
  if (existsSync(path)) return placeOf({ type: "file", path, context })
  return inPod()
    ? placeOf({ type: "inCluster" })
    : Effect.fail(
        new ClusterConfigError({
          reason: "missing",
          message: `no cluster is configured: there is neither KUBECONFIG nor ${path}, and this isn't a pod. Name a kubeconfig, or write one with the tool that made the cluster`
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

/** Reads the kubeconfig, and the cluster and user that it names for the context. */
const readConfig = Effect.fnUntraced(function* ({ context, load, origin }: Place) {
  // Only this module of the client, and only now: with its generated API it takes half a second and 80 MB.
  const { KubeConfig } = yield* Effect.promise(() => import("@kubernetes/client-node/dist/config.js"))
  const config = new KubeConfig()
  yield* Effect.try({
    try: () => load(config),
    catch: (cause) =>
      new ClusterConfigError({
        reason: "invalid",
        message: `${origin} isn't a kubeconfig: ${messageOf(cause).split("\n")[0] ?? ""}. Create it again with the tool that made the cluster`
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
          ? `${origin} has no contexts: it isn't a kubeconfig, or it is empty`
          : `${origin} has no context ${config.getCurrentContext() ?? ""}: choose one of ${known.join(", ")}`
    })
  }
  const cluster = config.getCurrentCluster()
  const user = config.getCurrentUser()
  if (cluster === null || user === null) {
    const lacks = cluster === null ? `cluster ${current.cluster}` : `user ${current.user}`
    return yield* new ClusterConfigError({
      reason: "context",
      message: `context ${current.name} of ${origin} names the ${lacks}, which is not there: add it, or choose another context`
    })
  }
  if (cluster.proxyUrl?.startsWith("socks") === true) {
    return yield* new ClusterConfigError({
      reason: "unsupported",
      message: `${origin} reaches the cluster by a SOCKS proxy (proxy-url): only HTTP proxies are supported`
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
          message: `the client certificate of user ${user.name} in ${origin} isn't a certificate (PEM): create the kubeconfig again`
        })
    })
    if (expired !== undefined) {
      return yield* new ClusterConfigError({
        reason: "credentials",
        message: `the client certificate of user ${user.name} in ${origin} expired at ${expired}: get a new kubeconfig`
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

/** Reads the credentials anew: files and plugins too. */
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
        message: `the credentials of user ${user.name} in ${origin} can't be read: ${messageOf(cause)}. Fix the file or the plugin (${user.exec?.command ?? "none"}) that gives them`
      })
  })
  yield* checkCertificate(material(options.cert), user, origin)
  return credentialsOf(cluster, user, options, origin)
})
