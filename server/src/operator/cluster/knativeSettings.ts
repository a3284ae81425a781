import { domainTemplateOf } from "../../base/words/namespacePrefix.ts"
import { gatewayName, gatewayPort, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { gatewaySettings } from "./deployment.ts"

/** A value in one of Knative's ConfigMaps. */
export interface KnativeSetting {
  readonly configMap: "config-network" | "config-features" | "config-domain" | "config-kourier" | "config-autoscaler"
  readonly key: string
  readonly value: string
  /** Its purpose. */
  readonly why: string
}

/** The key under which Knative Serving keeps its own documentation in each ConfigMap. */
const exampleKey = "_example"

export interface KnativeSettingOptions {
  /** The prefix of tenants' namespaces. */
  readonly namespacePrefix: string
  /** Domain of the services' hosts; undefined: keep Knative's setting. */
  readonly domain: string | undefined
  /** Is the gateway's authorizer installed? Only then Kourier is configured to ask it. */
  readonly gateway: boolean
}

/** The changes to Knative's configuration that max-cloud needs, and no others. */
export const knativeSettings = ({
  domain,
  gateway,
  namespacePrefix
}: KnativeSettingOptions): ReadonlyArray<KnativeSetting> => [
  {
    configMap: "config-network",
    key: "domain-template",
    value: domainTemplateOf(namespacePrefix),
    why: "one label before the domain, so that one wildcard certificate covers every service"
  },
  {
    configMap: "config-network",
    key: "tag-template",
    value: "{{.Tag}}---{{.Name}}",
    why: "with a single dash a tag's host could be another service's"
  },
  {
    configMap: "config-features",
    key: "kubernetes.podspec-runtimeclassname",
    value: "enabled",
    why: "services may run in gVisor"
  },
  {
    configMap: "config-autoscaler",
    key: "allow-zero-initial-scale",
    value: "true",
    why: "idle services of a lost namespace or cluster come back without an instance"
  },
  ...(domain === undefined
    ? []
    : [{ configMap: "config-domain", key: domain, value: "", why: "domain of the services' hosts" } as const]),
  ...(gateway
    ? Object.entries(gatewaySettings(`${gatewayName}.${systemNamespace}.svc.cluster.local:${gatewayPort}`)).map(
        ([key, value]) =>
          ({ configMap: "config-kourier", key, value, why: "the gateway asks who may call whom" }) as const
      )
    : [])
]

/** Other default domains in `config-domain`: if there are two, Knative picks either. */
export const otherDomains = (
  data: Readonly<Record<string, string>>,
  domain: string | undefined
): ReadonlyArray<string> =>
  domain === undefined
    ? []
    : Object.entries(data)
        // A domain with a selector only applies to the services it selects.
        .filter(([key, value]) => key !== exampleKey && key !== domain && !value.includes("selector"))
        .map(([key]) => key)
