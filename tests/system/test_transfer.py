"""Files from the coordinator to its workers, over the real ROUTER."""
import hashlib
import json
import os

import zmq

CHUNK = 256 << 10


def test_chunks_come_in_the_order_they_were_asked_for(coordinator):
    """A worker writes and hashes a file from its beginning: a chunk that overtakes another is lost on it and
    costs a wait before it is asked for again."""
    data = os.urandom(16 * CHUNK)
    sha256 = hashlib.sha256(data).hexdigest()
    answer = coordinator.request("PUT", "/datasets/order/data.npy", data=data)
    assert answer.ok, answer.text
    with zmq.Context() as context, context.socket(zmq.DEALER) as worker:
        worker.linger = 0
        worker.setsockopt(zmq.IDENTITY, b"w-order")
        worker.connect(coordinator.worker_endpoint)

        def send(**header):
            worker.send_multipart([json.dumps({"v": "1.0", **header}).encode(), b""])

        def receive():
            assert worker.poll(20000), "the coordinator is silent"
            header, payload = worker.recv_multipart()
            return json.loads(header), payload

        send(type="hello", worker="w-order", name="order", host="h", slots=1, version="0", cpu="",
             leases=[])
        assert receive()[0]["type"] == "welcome"
        for _ in range(30):
            for n in range(16):
                send(type="fetch", sha256=sha256, offset=n * CHUNK)
            for n in range(16):
                header, payload = receive()
                assert (header["type"], header["offset"]) == ("chunk", n * CHUNK)
                assert payload == data[n * CHUNK:(n + 1) * CHUNK]
