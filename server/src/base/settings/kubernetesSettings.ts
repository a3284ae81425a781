import { Schema } from "effect"
import { defaultNamespacePrefix, NamespacePrefix, prefixHelp } from "../words/namespacePrefix.ts"
import { form, oneOf, port, text, Words } from "./forms.ts"
import { manifestRules } from "./manifestRules.ts"
import { runtimeClasses } from "./runtimeClasses.ts"
import { optional, setting } from "./setting.ts"

const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)"
const Cidr = Schema.String.pipe(Schema.pattern(new RegExp(`^${octet}(\\.${octet}){3}/(3[0-2]|[12]?\\d)$`)))
const ranges = (example: string) =>
  form(Schema.compose(Words, Schema.Array(Cidr)), `ranges are written as "${example}"`)

const endpoint = form(
  Schema.transform(
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
  ),
  'an address is written as "203.0.113.5:443"'
)

/** The list of runtimes is defined a few floors up (`runtimes/choose`). */
const runtimeName = form(Schema.String.pipe(Schema.pattern(/^[a-z][a-z0-9-]{0,62}$/)), "write local or kubernetes")

/** Settings for the runtime and the cluster. */
export const kubernetesSettings = {
  runtime: optional("MAXCLOUD_RUNTIME", runtimeName, {
    unset: "`kubernetes` with a kubeconfig or in a pod, else `local`",
    text: "Where services run: on this machine, or on a Kubernetes cluster with Knative."
  }),
  /** Paths of kubeconfigs, separated by `:`, as `kubectl` reads them. */
  kubeconfig: optional("MAXCLOUD_KUBECONFIG", text, {
    or: "KUBECONFIG",
    unset: "`KUBECONFIG`",
    text: "A kubeconfig: the server then runs services on that cluster. In a pod, the server uses the service account by default."
  }),
  kubeContext: optional("MAXCLOUD_KUBE_CONTEXT", text, {
    unset: "the kubeconfig's current one",
    text: "The context of the kubeconfig to use."
  }),
  publicScheme: optional("MAXCLOUD_PUBLIC_SCHEME", oneOf("http", "https"), {
    unset: "http",
    text: "Scheme of the services' public URLs on Kubernetes: `https` if the ingress has certificates."
  }),
  publicPort: optional("MAXCLOUD_PUBLIC_PORT", port, {
    unset: "the scheme's own",
    text: "Port of the services' public URLs on Kubernetes, if it isn't the scheme's default."
  }),
  /** undefined: as decided at the installation's first start on a cluster. */
  namespacePrefix: optional("MAXCLOUD_NAMESPACE_PREFIX", form(NamespacePrefix, prefixHelp), {
    unset: `${defaultNamespacePrefix} for a new installation, else its present one`,
    text: "Prefix of tenants' namespaces, or `none`. Decided at the first start on a cluster and kept in the database: a different value is refused later. `maxcloud cluster install --namespace-prefix` must have the same."
  }),
  podSecurity: setting("MAXCLOUD_POD_SECURITY", oneOf("baseline", "restricted"), {
    default: "baseline",
    text: "Pod Security level that tenants' namespaces enforce. `restricted` refuses images that run as root."
  }),
  runtimeClass: optional("MAXCLOUD_RUNTIME_CLASS", runtimeClasses, {
    unset: "`gvisor` if the cluster has this RuntimeClass, else the cluster's own runtime",
    text: "`runtimeClassName` of tenants' pods, such as `gvisor`, or `none` for the cluster's own runtime. Organizations can have others: `gvisor,org_0198…=none,lab=kata`. Name them by their ids (`maxcloud org show --json`). With a name, whoever creates an organization with the name of an erased one gets its class."
  }),
  /** What configs may add to manifests or change in them. */
  manifestRules: setting("MAXCLOUD_MANIFESTS", manifestRules, {
    default: "",
    shown: "none: a config can't have `manifests`",
    text: "Kubernetes kinds and fields that a config may set with `manifests`, separated by commas: `ConfigMap,Service:spec.template.spec.volumes`. A kind alone allows its fields, but annotations, labels, `nodeSelector` and resources only key by key. [All kinds and fields](config.md#manifests). Pass the same value to `maxcloud cluster install --manifests`, which grants the server the rights."
  }),
  systemImage: optional("MAXCLOUD_SYSTEM_IMAGE", text, {
    unset: "none: `maxcloud net verify` is refused",
    text: "max-cloud's own image, which `maxcloud net verify` starts in tenants' namespaces to probe from."
  }),
  /** In addition to those that the cluster reports: no `egress` opens them. */
  closedRanges: setting("MAXCLOUD_CLOSED_RANGES", ranges("10.244.0.0/16,10.96.0.0/12"), {
    default: "",
    shown: "what the cluster reports",
    text: "IPv4 ranges of the cluster's nodes, pods and Services that it doesn't report, separated by commas. No `egress` opens them, whatever a service declares. `maxcloud cluster check` says which are missing; until they're set, the server refuses private ranges in `egress`."
  }),
  privateEgressRanges: setting("MAXCLOUD_PRIVATE_EGRESS_RANGES", ranges("10.20.0.0/16,192.168.7.0/24"), {
    default: "",
    shown: "none",
    text: "Private, shared and reserved IPv4 ranges that services of all organizations may declare in `egress`, separated by commas: a database's network, for example. The cluster's own addresses, link-local and cloud metadata addresses stay closed inside of them."
  }),
  internet: optional("MAXCLOUD_PROBE_INTERNET", endpoint, {
    unset: "none: the internet isn't tried",
    text: "IPv4 address and port outside of the cluster that `maxcloud net verify` tries to connect to, to check access to the internet."
  })
}
