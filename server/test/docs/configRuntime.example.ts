import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig(({ git, runtime }) => {
  const program =
    runtime === "kubernetes"
      ? { image: `registry.example.com/shop/web:${git?.commit ?? "latest"}` }
      : { source: "./web" }
  return { app: "shop", services: [service("web", { ...program, port: 3000 })] }
})
