/** Names that no organization can take: the platform's own, those of a domain's usual hosts, and common namespaces. */
const names: ReadonlySet<string> = new Set(
  [
    // The server's own: the organization of callers without a credential, and the server's audit log.
    "local server",
    // Hosts of a platform or its mail, besides the services' (RFC 2142, and custom).
    "www api app apps admin console dashboard auth login account accounts billing status docs help support blog static assets cdn",
    "mail smtp imap pop webmail postmaster hostmaster webmaster abuse security noreply ns ns1 ns2 dns mx ftp vpn proxy gateway registry",
    "localhost root system internal example invalid autoconfig autodiscover wpad",
    // Namespaces of Kubernetes and of software that is often installed on it, from their manuals and charts.
    "default monitoring logging observability tracing prometheus grafana loki tempo jaeger opentelemetry datadog",
    "ingress ingress-nginx nginx-ingress traefik haproxy-controller contour projectcontour external-dns",
    "external-secrets cert-manager vault sealed-secrets",
    "argo argocd argo-cd argo-events argo-rollouts flux fluxcd crossplane keda velero metallb",
    "metrics-server local-path-storage longhorn rook-ceph minio openebs harbor kyverno falco trivy",
    "node-feature-discovery kafka strimzi spire spire-server olm operators"
  ].flatMap((text) => text.split(" "))
)

/** Prefixes of namespaces that every cluster of ours has, or that its network needs. */
const clusterFamilies = ["kube-", "knative-", "kourier-", "istio-", "maxcloud-"]

/** Prefixes that belong to one owner, whatever follows. */
const families = [
  ...clusterFamilies,
  "kubernetes",
  "k8s-",
  "maxcloud",
  "max-cloud",
  "linkerd",
  "cilium",
  "calico-",
  "tigera-",
  "flux-",
  "argocd-",
  "tekton-",
  "gatekeeper-",
  "openshift",
  "cattle-",
  "fleet-",
  "gke-",
  "gmp-",
  "aks-",
  "eks-",
  "aws-",
  "amazon-",
  "azure-",
  "anthos-",
  "config-management-"
]

/** Conventional suffixes of operators' namespaces: `longhorn-system`, `gpu-operator`. */
const endings = ["-system", "-operator"]

/**
 * Whether organizations can't have this name. Their names appear in hosts, Kubernetes namespaces and other people's credentials. An installation
 * may later use a namespace that is free today, and would then end up in a tenant's namespace.
 */
export const isReservedName = (name: string): boolean =>
  names.has(name) ||
  families.some((family) => name.startsWith(family)) ||
  endings.some((ending) => name.endsWith(ending))

/**
 * Whether a namespace of this name certainly belongs to the cluster. There are fewer of these than reserved names: an organization that had its
 * name before it was reserved keeps it, as long as the namespace is its own.
 */
export const isClusterNamespace = (name: string): boolean =>
  name === "default" ||
  name === "cert-manager" ||
  clusterFamilies.some((clusterFamily) => name.startsWith(clusterFamily))

/** Whether reserved names start with this prefix, so that it can't distinguish tenants' namespaces from the cluster's. */
export const isReservedPrefix = (prefix: string): boolean =>
  families.some((family) => family.startsWith(prefix) || prefix.startsWith(family)) ||
  [...names].some((name) => name.startsWith(prefix))
