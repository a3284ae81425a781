/** The class that runs programs in gVisor. */
export const sandbox = "gvisor"

export const runtimeClassPath = (name: string) => `/apis/node.k8s.io/v1/runtimeclasses/${name}`
