/** The metadata of a trigger `nats-jetstream`. */
export interface JetStreamTrigger {
  natsServerMonitoringEndpoint: string;
  account: string;
  stream: string;
  consumer: string;
}

interface Consumer {
  name: string;
  num_pending: number;
  num_ack_pending: number;
  cluster?: { leader?: string };
}

interface JetStreamInfo {
  meta_cluster?: { cluster_size: number };
  account_details?: { name: string; stream_detail?: { name: string; consumer_detail?: Consumer[] }[] }[];
}

/**
 * What KEDA's scaler reads as the depth of a queue, by the same questions to the monitoring of NATS: in a cluster only the
 * consumer's leader knows it, and is looked for among the servers that one of them announces to clients.
 * @param ask a GET of an address, as a pod would have its answer
 * @throws Error where the scaler would report one
 */
export async function depthByKeda(
  trigger: JetStreamTrigger,
  ask: (url: string) => Promise<unknown>,
): Promise<number> {
  const { natsServerMonitoringEndpoint: endpoint, account, stream, consumer } = trigger;
  const query = new URLSearchParams({ acc: account, config: 'true', consumers: 'true' });
  const consumerAt = async (host: string): Promise<{ info: JetStreamInfo; found: Consumer | undefined }> => {
    const info = (await ask(`http://${host}/jsz?${query}`)) as JetStreamInfo;
    const found = info.account_details
      ?.find(({ name }) => name === account)
      ?.stream_detail?.find(({ name }) => name === stream)
      ?.consumer_detail?.find(({ name }) => name === consumer);
    return { info, found };
  };
  const first = await consumerAt(endpoint);
  let known = first.found;
  if ((first.info.meta_cluster?.cluster_size ?? 0) > 1) {
    const { connect_urls: announced = [] } = (await ask(`http://${endpoint}/varz`)) as {
      connect_urls?: string[];
    };
    known = undefined;
    for (const url of announced) {
      const host = `${url.split(':')[0]}:${endpoint.split(':')[1]}`;
      const { server_name } = (await ask(`http://${host}/varz`)) as { server_name: string };
      const { found } = await consumerAt(host);
      if (found?.cluster?.leader === server_name) known = found;
      if (known) break;
    }
    if (!known) throw new Error(`leader node not found for consumer ${consumer}`);
  }
  if (!known) throw new Error(`consumer "${consumer}" not found in stream "${stream}"`);
  return known.num_pending + known.num_ack_pending;
}
