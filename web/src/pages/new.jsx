// Submits a study: the document is checked by the coordinator, which names every fault at once.
import { useState } from 'preact/hooks';
import { call, Problem } from '../data/api.js';
import { study } from '../data/studies.js';
import { go } from '../route.js';
import { Modal, notice } from '../ui/dialog.jsx';

// Small enough to end within seconds on any machine, and needs no data set.
const EXAMPLE = `{
  "name": "first-steps",
  "seed": 1,
  "dataset": {
    "name": "spirals",
    "generate": {"samples": 3000, "classes": 3, "noise": 0.2},
    "validation_split": 0.2
  },
  "model": {"layers": [
    {"type": "Dense",
     "units": {"hp": "Int", "name": "units", "min_value": 8, "max_value": 64, "step": 8},
     "activation": {"hp": "Choice", "name": "activation", "values": ["relu", "tanh"]}},
    {"type": "Dense", "units": 3, "activation": "softmax"}]},
  "compile": {
    "optimizer": {"type": "Adam", "learning_rate": {
      "hp": "Float", "name": "learning_rate",
      "min_value": 0.0001, "max_value": 0.1, "sampling": "log"}},
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"]},
  "fit": {"epochs": 30, "batch_size": 32},
  "tuner": {"type": "RandomSearch", "objective": "val_accuracy", "max_trials": 20}
}
`;

export function NewStudy({ onClose }) {
    const [text, setText] = useState('');
    const [problem, setProblem] = useState(null);
    const [busy, setBusy] = useState(false);
    const send = async (check) => {
        setBusy(true);
        setProblem(null);
        try {
            const answer = await call(
                'POST',
                `/studies${check ? '?validate_only=true' : ''}`,
                text,
            );
            if (check) {
                notice(`The document holds: ${answer.space.length} hyperparameters`);
            } else {
                study(answer.name).setSummary(answer);
                onClose();
                go(['studies', answer.name]);
            }
        } catch (fault) {
            if (!(fault instanceof Problem)) throw fault;
            setProblem(fault);
        }
        setBusy(false);
    };
    return (
        <Modal title="New study" onClose={onClose} wide>
            <form
                onSubmit={(event) => {
                    event.preventDefault();
                    send(false);
                }}
            >
                <label class="field">
                    <span>Study document (JSON)</span>
                    <textarea
                        rows="16"
                        spellcheck={false}
                        autofocus
                        value={text}
                        onInput={(event) => setText(event.target.value)}
                        placeholder='{"name": "…", "dataset": …, "model": …, "compile": …, "fit": …, "tuner": …}'
                    />
                </label>
                {problem && (
                    <div class="faults" role="alert">
                        <p>{problem.message}</p>
                        {problem.errors.length > 0 && (
                            <ul>
                                {problem.errors.map((one, i) => (
                                    <li key={i}>
                                        <code>{one.pointer || one.parameter || '/'}</code>{' '}
                                        {one.detail}
                                    </li>
                                ))}
                            </ul>
                        )}
                    </div>
                )}
                <div class="modal-actions">
                    {!text && (
                        <button
                            type="button"
                            class="button is-first"
                            onClick={() => setText(EXAMPLE)}
                        >
                            Use an example
                        </button>
                    )}
                    <button type="button" class="button" onClick={onClose}>
                        Close
                    </button>
                    <button
                        type="button"
                        class="button"
                        disabled={busy || !text.trim()}
                        onClick={() => send(true)}
                    >
                        Check only
                    </button>
                    <button class="button is-primary" disabled={busy || !text.trim()}>
                        Submit
                    </button>
                </div>
            </form>
        </Modal>
    );
}
