import { Config, Schema } from "effect"
import { from, optional, Port, type Settings } from "./setting.ts"

/** Where services run, and how the cluster is reached. */
export interface KubernetesSettings {
  /** undefined: `kubernetes` where there is a kubeconfig or the server runs in a pod, else `local`. */
  readonly runtime: "local" | "kubernetes" | undefined
  /** Files of a kubeconfig, with `:` between several, as `kubectl` reads them. */
  readonly kubeconfig: string | undefined
  readonly kubeContext: string | undefined
  readonly publicScheme: "http" | "https" | undefined
  readonly publicPort: number | undefined
  readonly podSecurity: "baseline" | "restricted"
  readonly runtimeClass: string | undefined
  /** Image of max-cloud's own parts in the cluster: the gateway's authorizer, and the pods that probe the network. */
  readonly systemImage: string | undefined
}

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
  }
}

export const kubernetesConfig: Config.Config<KubernetesSettings> = Config.all({
  runtime: kubernetesSettings.runtime.config,
  kubeconfig: kubernetesSettings.kubeconfig.config,
  kubeContext: kubernetesSettings.kubeContext.config,
  publicScheme: kubernetesSettings.publicScheme.config,
  publicPort: kubernetesSettings.publicPort.config,
  podSecurity: kubernetesSettings.podSecurity.config,
  runtimeClass: kubernetesSettings.runtimeClass.config,
  systemImage: kubernetesSettings.systemImage.config
})
