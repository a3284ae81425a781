import { defineConfig, object, patch, service } from "@maxcloud/sdk/config"

const settings = object({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings" },
  data: { "app.conf": "greeting = Hello\n" }
})

const web = service("web", {
  image: "ghcr.io/acme/web:1",
  manifests: [
    patch("Service", {
      spec: {
        template: {
          metadata: { annotations: { "autoscaling.knative.dev/scale-down-delay": "5m" } },
          spec: {
            volumes: [{ name: "settings", configMap: { name: "settings" } }],
            containers: [{ volumeMounts: [{ name: "settings", mountPath: "/etc/web", readOnly: true }] }]
          }
        }
      }
    })
  ]
})

export default defineConfig({ app: "shop", services: [web], manifests: [settings] })
