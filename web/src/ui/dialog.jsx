// Questions and messages: one confirm dialog, one row of notices.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Problem } from '../data/api.js';

export function Modal({ title, onClose, children, wide }) {
    const ref = useRef();
    useEffect(() => {
        ref.current.showModal();
        return () => ref.current?.close();
    }, []);
    return (
        <dialog
            class={`modal ${wide ? 'is-wide' : ''}`}
            ref={ref}
            aria-labelledby="modal-title"
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
        >
            <h2 id="modal-title">{title}</h2>
            {children}
        </dialog>
    );
}

const question = signal(null);

// Asks before something that cannot be taken back. Resolves to true or false.
export function confirm({ title, text, yes, danger }) {
    return new Promise((resolve) => (question.value = { title, text, yes, danger, resolve }));
}

export function Confirm() {
    const asked = question.value;
    if (!asked) return null;
    const answer = (value) => {
        question.value = null;
        asked.resolve(value);
    };
    return (
        <Modal title={asked.title} onClose={() => answer(false)}>
            <p>{asked.text}</p>
            <div class="modal-actions">
                <button class="button" onClick={() => answer(false)}>
                    Keep as it is
                </button>
                <button
                    class={`button ${asked.danger ? 'is-danger' : 'is-primary'}`}
                    onClick={() => answer(true)}
                >
                    {asked.yes}
                </button>
            </div>
        </Modal>
    );
}

const notices = signal([]);
let nextId = 1;

export function notice(text, kind = 'info') {
    const one = { id: nextId++, text, kind };
    notices.value = [...notices.value, one];
    setTimeout(() => dismiss(one.id), kind === 'problem' ? 12000 : 4000);
}

const dismiss = (id) => (notices.value = notices.value.filter((one) => one.id !== id));

// Runs something that calls the API; what goes wrong is shown in the coordinator's words.
export async function attempt(work, done) {
    try {
        await work();
        if (done) notice(done);
        return true;
    } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        notice(problem.message, 'problem');
        return false;
    }
}

export function Notices() {
    return (
        <div class="notices" role="status" aria-live="polite">
            {notices.value.map((one) => (
                <div key={one.id} class={`notice is-${one.kind}`}>
                    <span>{one.text}</span>
                    <button
                        class="icon-button"
                        aria-label="Dismiss"
                        onClick={() => dismiss(one.id)}
                    >
                        ×
                    </button>
                </div>
            ))}
        </div>
    );
}

export async function copy(text, what) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        // no clipboard without a secure context: the old way
        const area = document.createElement('textarea');
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
    }
    notice(`${what} copied`);
}
