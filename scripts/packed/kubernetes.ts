import type { ForeignFolder } from "./ForeignFolder.ts"

const app = `app: shop
services:
  - name: web
    image: docker.io/library/nginx:1.27
    port: 80
`

/** Commands for Kubernetes that need no cluster. */
export const checkKubernetes = ({ check, maxcloud, write }: ForeignFolder) => {
  const server = maxcloud(["server", "--port", "0", "--kubeconfig", "/nonexistent"])
  check(
    "server reports in one line that the kubeconfig doesn't exist, exit code 1",
    server.status === 1 &&
      server.output.trimEnd().split("\n").length === 1 &&
      server.output.includes("The kubeconfig /nonexistent doesn't exist"),
    server.output
  )
  const explained = maxcloud(["explain", "WrongPort", "--lang", "de"])
  check(
    "explain prints a diagnosis in German",
    explained.status === 0 && explained.stdout.includes("WrongPort") && explained.stdout.includes("Woran es liegt"),
    explained.output
  )
  write("shop.yaml", app)
  const exported = maxcloud(["export", "-f", "shop.yaml", "--namespace", "elsewhere"])
  check(
    "export prints manifests",
    exported.status === 0 &&
      exported.stdout.includes("serving.knative.dev/v1") &&
      exported.stdout.includes("namespace: elsewhere"),
    exported.output
  )
  const installed = maxcloud(["cluster", "manifests", "--image", "registry.example.com/maxcloud:1"])
  check(
    "cluster manifests prints the objects to install",
    installed.status === 0 &&
      /kind: ClusterRole$/m.test(installed.stdout) &&
      installed.stdout.includes("registry.example.com/maxcloud:1"),
    installed.output
  )
}
