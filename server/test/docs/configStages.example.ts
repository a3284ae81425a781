import { defineConfig, defineStages, service } from "@maxcloud/sdk/config"

const settings = defineStages({
  production: { scale: { min: 2, max: 20 }, memory: "1Gi" },
  "preview-*": { scale: { max: 1 }, memory: "256Mi" }
})

export default defineConfig(({ stage }) => ({
  app: "shop",
  services: [service("web", { source: "./web", ...settings(stage) })]
}))
