/** Names the data folder whose server runs a container, or made a network. */
export const dataDirectoryLabel = "maxcloud.dev/data-directory"
/** As which instance a container runs. */
export const instanceLabel = "maxcloud.dev/instance"
