import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => ({
  app: "shop",
  services: [service("web", { source: "./web", env: { GREETING: `hello from ${stage}` } })]
}))
