// shop/maxcloud.config.ts
import { defineConfig, external, service } from "@maxcloud/sdk/config"

const web = service("web", { source: "./web", env: { BILLING_URL: external("billing", "api").url } })
export default defineConfig({ app: "shop", services: [web], outputs: { url: web.publicUrl } })
