import { existsSync } from "node:fs"
import type { ServerSettings } from "./ServerConfig.ts"

/** Where Kubernetes puts the credentials of a pod's service account. */
const podToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

/** The runtime that is meant: the one that is named, else Kubernetes where there is a way to one. */
export const runtimeOf = ({
  kubeconfig,
  runtime
}: Pick<ServerSettings, "kubeconfig" | "runtime">): "local" | "kubernetes" =>
  runtime ?? (kubeconfig !== undefined || existsSync(podToken) ? "kubernetes" : "local")
