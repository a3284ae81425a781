import { Config, Schema } from "effect"
import { defaultNamespacePrefix, NamespacePrefix, prefixHelp } from "../cluster/namespacePrefix.ts"
import { from, optional, Port, type Settings, Words } from "./setting.ts"

/** Where services run, and how the cluster is reached. */
export interface KubernetesSettings {
  /** undefined: `kubernetes` where there is a kubeconfig or the server runs in a pod, else `local`. */
  readonly runtime: "local" | "kubernetes" | undefined
  /** Files of a kubeconfig, with `:` between several, as `kubectl` reads them. */
  readonly kubeconfig: string | undefined
  readonly kubeContext: string | undefined
  readonly publicScheme: "http" | "https" | undefined
  readonly publicPort: number | undefined
  /** What tenants' namespaces begin with; undefined: as the installation has decided at its first start on a cluster. */
  readonly namespacePrefix: string | undefined
  readonly podSecurity: "baseline" | "restricted"
  readonly runtimeClass: string | undefined
  /** Image of max-cloud's own parts in the cluster: the gateway's authorizer, and the pods that probe the network. */
  readonly systemImage: string | undefined
  /** IPv4 ranges of the cluster's nodes, pods and Services, beside those that it tells: no `egress` opens them. */
  readonly closedRanges: ReadonlyArray<string>
  /** Private, shared and reserved IPv4 ranges that services may declare in `egress`. */
  readonly privateEgressRanges: ReadonlyArray<string>
  /** Address that `maxcloud net verify` tries as the internet. */
  readonly internet: { readonly host: string; readonly port: number } | undefined
}

const none: ReadonlyArray<string> = []
const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)"
const Cidr = Schema.String.pipe(Schema.pattern(new RegExp(`^${octet}(\\.${octet}){3}/(3[0-2]|[12]?\\d)$`)))
const Endpoint = Schema.transform(
  Schema.String.pipe(Schema.pattern(new RegExp(`^${octet}(\\.${octet}){3}:\\d{1,5}$`))),
  Schema.Struct({ host: Schema.String, port: Schema.Int.pipe(Schema.between(1, 65_535)) }),
  {
    strict: true,
    decode: (written) => {
      const [host = "", port = ""] = written.split(":")
      return { host, port: Number(port) }
    },
    encode: ({ host, port }) => `${host}:${port}`
  }
)
const name = Schema.String.pipe(Schema.pattern(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/))

export const kubernetesSettings: Settings<KubernetesSettings> = {
  runtime: {
    name: "MAXCLOUD_RUNTIME",
    config: optional(from("MAXCLOUD_RUNTIME", Schema.Literal("local", "kubernetes"), 'write "local" or "kubernetes"')),
    default: "`kubernetes` with a kubeconfig or in a pod, else `local`",
    description: "Where services run: on this machine, or on a Kubernetes cluster with Knative."
  },
  kubeconfig: {
    name: "MAXCLOUD_KUBECONFIG",
    config: optional(
      Config.nonEmptyString("MAXCLOUD_KUBECONFIG").pipe(Config.orElse(() => Config.nonEmptyString("KUBECONFIG")))
    ),
    default: "`KUBECONFIG`",
    description:
      "A kubeconfig: the server then runs services on that cluster. In a pod the credentials of its service account are taken without it."
  },
  kubeContext: {
    name: "MAXCLOUD_KUBE_CONTEXT",
    config: optional(Config.nonEmptyString("MAXCLOUD_KUBE_CONTEXT")),
    default: "the kubeconfig's current one",
    description: "The context of the kubeconfig to use."
  },
  publicScheme: {
    name: "MAXCLOUD_PUBLIC_SCHEME",
    config: optional(from("MAXCLOUD_PUBLIC_SCHEME", Schema.Literal("http", "https"), 'write "http" or "https"')),
    default: "http",
    description: "Scheme of the services' public URLs on Kubernetes: `https` where the ingress has certificates."
  },
  publicPort: {
    name: "MAXCLOUD_PUBLIC_PORT",
    config: optional(from("MAXCLOUD_PUBLIC_PORT", Port, "a port is a whole number from 0 to 65535")),
    default: "the scheme's own",
    description: "Port of the services' public URLs on Kubernetes, where it is not the scheme's own."
  },
  namespacePrefix: {
    name: "MAXCLOUD_NAMESPACE_PREFIX",
    config: optional(from("MAXCLOUD_NAMESPACE_PREFIX", NamespacePrefix, prefixHelp)),
    default: `${defaultNamespacePrefix} for a new installation, else what it has`,
    description:
      "What tenants' namespaces begin with, or `none`. Decided at the first start on a cluster and kept in the database: a different value later is refused. `maxcloud cluster install --namespace-prefix` must have the same."
  },
  podSecurity: {
    name: "MAXCLOUD_POD_SECURITY",
    config: from(
      "MAXCLOUD_POD_SECURITY",
      Schema.Literal("baseline", "restricted"),
      'write "baseline" or "restricted"'
    ).pipe(Config.withDefault<"baseline" | "restricted">("baseline")),
    default: "baseline",
    description:
      "Pod Security level that tenants' namespaces enforce. With `restricted` no image runs whose user is root."
  },
  runtimeClass: {
    name: "MAXCLOUD_RUNTIME_CLASS",
    config: optional(from("MAXCLOUD_RUNTIME_CLASS", name, 'a runtime class is written as "gvisor"')),
    default: "the cluster's own",
    description: "`runtimeClassName` of tenants' pods, such as `gvisor`."
  },
  systemImage: {
    name: "MAXCLOUD_SYSTEM_IMAGE",
    config: optional(Config.nonEmptyString("MAXCLOUD_SYSTEM_IMAGE")),
    default: "none: `maxcloud net verify` is refused",
    description: "Image of max-cloud itself, which `maxcloud net verify` starts in tenants' namespaces to probe from."
  },
  closedRanges: {
    name: "MAXCLOUD_CLOSED_RANGES",
    config: from(
      "MAXCLOUD_CLOSED_RANGES",
      Schema.compose(Words, Schema.Array(Cidr)),
      'ranges are written as "10.244.0.0/16,10.96.0.0/12"'
    ).pipe(Config.withDefault(none)),
    default: "what the cluster tells",
    description:
      "IPv4 ranges of the cluster's nodes, pods and Services that it doesn't tell itself, separated by commas. No `egress` opens them, whatever a service declares. `maxcloud cluster check` says what is missing; until it is set, the server refuses private ranges in `egress`."
  },
  privateEgressRanges: {
    name: "MAXCLOUD_PRIVATE_EGRESS_RANGES",
    config: from(
      "MAXCLOUD_PRIVATE_EGRESS_RANGES",
      Schema.compose(Words, Schema.Array(Cidr)),
      'ranges are written as "10.20.0.0/16,192.168.7.0/24"'
    ).pipe(Config.withDefault(none)),
    default: "none",
    description:
      "Private, shared and reserved IPv4 ranges that services of all organizations may declare in `egress`, separated by commas: a database's network, for example. The cluster's own addresses, link-local and cloud metadata addresses stay closed inside of them."
  },
  internet: {
    name: "MAXCLOUD_PROBE_INTERNET",
    config: optional(from("MAXCLOUD_PROBE_INTERNET", Endpoint, 'an address is written as "203.0.113.5:443"')),
    default: "none: the internet is not tried",
    description: "IPv4 address and port that `maxcloud net verify` tries to connect to, as the internet."
  }
}

export const kubernetesConfig: Config.Config<KubernetesSettings> = Config.all({
  runtime: kubernetesSettings.runtime.config,
  kubeconfig: kubernetesSettings.kubeconfig.config,
  kubeContext: kubernetesSettings.kubeContext.config,
  publicScheme: kubernetesSettings.publicScheme.config,
  publicPort: kubernetesSettings.publicPort.config,
  namespacePrefix: kubernetesSettings.namespacePrefix.config,
  podSecurity: kubernetesSettings.podSecurity.config,
  runtimeClass: kubernetesSettings.runtimeClass.config,
  systemImage: kubernetesSettings.systemImage.config,
  closedRanges: kubernetesSettings.closedRanges.config,
  privateEgressRanges: kubernetesSettings.privateEgressRanges.config,
  internet: kubernetesSettings.internet.config
})
