import { domainTemplateOf } from "../../base/words/namespacePrefix.ts"
import { gatewayName, gatewayPort, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { gatewaySettings } from "./deployment.ts"

/** A value in one of Knative's ConfigMaps. */
export interface KnativeSetting {
  readonly configMap: "config-network" | "config-features" | "config-domain" | "config-kourier"
  readonly key: string
  readonly value: string
  /** What it is for. */
  readonly why: string
}

/** Where Knative Serving keeps its own documentation in each ConfigMap. */
export const exampleKey = "_example"

export interface KnativeSettingOptions {
  /** What tenants' namespaces begin with. */
  readonly namespacePrefix: string
  /** Domain of the services' hosts; undefined: what Knative has stays. */
  readonly domain: string | undefined
  /** Is the gateway's authorizer installed? Only then is Kourier told to ask it. */
  readonly gateway: boolean
}

/** What max-cloud needs of Knative's configuration, and nothing more. */
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

/** Other default domains that `config-domain` has: with two of them Knative takes either. */
export const otherDomains = (
  data: Readonly<Record<string, string>>,
  domain: string | undefined
): ReadonlyArray<string> =>
  domain === undefined
    ? []
    : Object.entries(data)
        // A domain with a selector is for the services that it names.
        .filter(([key, value]) => key !== exampleKey && key !== domain && !value.includes("selector"))
        .map(([key]) => key)
