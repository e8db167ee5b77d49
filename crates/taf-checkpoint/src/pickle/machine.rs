use std::collections::HashMap;
use std::io::BufRead;

use super::input::Input;
use super::opcode::*;
use super::programs::runs_programs;
use super::value::{Id, Pickle, Value, name_of};
use crate::error::{Fault, Result};

/// Deepest the stack may get, and most places of the memo: as many as there may be values.
const DEEPEST: usize = 2_000_000;

/// Reads one pickle from `input`, which is left behind its end.
///
/// # Errors
/// If it is damaged, larger than any checkpoint's, or names a function that runs programs.
pub(crate) fn load(input: &mut impl BufRead) -> Result<Pickle> {
    let mut machine = Machine {
        input: Input(input),
        pickle: Pickle::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    loop {
        let opcode = machine.input.u8()?;
        if opcode == STOP {
            break;
        }
        machine.step(opcode)?;
    }
    machine.pickle.root = machine.pop()?;
    Ok(machine.pickle)
}

struct Machine<'a, R> {
    input: Input<'a, R>,
    pickle: Pickle,
    stack: Vec<Id>,
    /// Heights of the stack that MARK notes.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<R: BufRead> Machine<'_, R> {
    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            PROTO | FRAME | MARK | POP | POP_MARK | DUP => self.arrange(opcode),
            PUT | BINPUT | LONG_BINPUT | MEMOIZE | GET | BINGET | LONG_BINGET => self.remember(opcode),
            NONE | NEWTRUE | NEWFALSE | INT | BININT | BININT1 | BININT2 | LONG | LONG1 | LONG4 | FLOAT | BINFLOAT => {
                self.number(opcode)
            }
            STRING | BINSTRING | SHORT_BINSTRING | UNICODE | BINUNICODE | SHORT_BINUNICODE | BINUNICODE8 => {
                self.text(opcode)
            }
            BINBYTES | SHORT_BINBYTES | BINBYTES8 | BYTEARRAY8 => self.bytes(opcode),
            EMPTY_TUPLE | TUPLE | TUPLE1 | TUPLE2 | TUPLE3 | EMPTY_LIST | LIST | EMPTY_DICT | DICT | EMPTY_SET
            | FROZENSET => self.collection(opcode),
            APPEND | APPENDS | ADDITEMS | SETITEM | SETITEMS => self.fill(opcode),
            GLOBAL | STACK_GLOBAL => self.named(opcode),
            REDUCE | NEWOBJ | NEWOBJ_EX | INST | OBJ => self.object(opcode),
            // What an object is told about itself is of no use without the object.
            BUILD => self.pop().map(drop),
            PERSID | BINPERSID => self.outside(opcode),
            _ => Err(unlike("an instruction of pickle protocols 0 to 5", format!("the byte 0x{opcode:02x}"))),
        }
    }

    fn arrange(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            PROTO => {
                let version = self.input.u8()?;
                let known = version <= 5;
                return if known { Ok(()) } else { Err(unlike("pickle protocol 0 to 5", version.to_string())) };
            }
            FRAME => drop(self.input.u64()?),
            MARK if self.marks.len() >= DEEPEST => return Err(too_deep()),
            MARK => self.marks.push(self.stack.len()),
            POP if self.marks.last() == Some(&self.stack.len()) => drop(self.marks.pop()),
            POP => drop(self.pop()?),
            POP_MARK => drop(self.above_mark()?),
            _ => self.push_id(self.top()?)?,
        }
        Ok(())
    }

    fn remember(&mut self, opcode: u8) -> Result<()> {
        let place = match opcode {
            PUT | GET => self.input.number()?.and_then(|number| u64::try_from(number).ok()),
            BINPUT | BINGET => Some(self.input.u8()?.into()),
            LONG_BINPUT | LONG_BINGET => Some(self.input.u32()?.into()),
            _ => Some(self.memo.len() as u64),
        };
        let place = place.ok_or_else(|| unlike("a place in the pickle's memo", "another number"))?;
        if matches!(opcode, GET | BINGET | LONG_BINGET) {
            let id = *self.memo.get(&place).ok_or_else(|| unlike("a value in the pickle's memo", "none"))?;
            return self.push_id(id);
        }
        if self.memo.len() >= DEEPEST {
            return Err(too_deep());
        }
        let top = self.top()?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn number(&mut self, opcode: u8) -> Result<()> {
        let number = match opcode {
            NONE => return self.push(Value::None),
            NEWTRUE => return self.push(Value::Bool(true)),
            NEWFALSE => return self.push(Value::Bool(false)),
            FLOAT => {
                self.input.line()?;
                return self.push(Value::Other("a number"));
            }
            BINFLOAT => {
                self.input.array::<8>()?;
                return self.push(Value::Other("a number"));
            }
            INT => match self.input.line()?.as_str() {
                "00" => return self.push(Value::Bool(false)),
                "01" => return self.push(Value::Bool(true)),
                text => text.parse().ok(),
            },
            BININT => Some(i32::from_le_bytes(self.input.array()?).into()),
            BININT1 => Some(self.input.u8()?.into()),
            BININT2 => Some(u16::from_le_bytes(self.input.array()?).into()),
            LONG => self.input.number()?,
            LONG1 => {
                let length = self.input.u8()?.into();
                self.input.long(length)?
            }
            _ => {
                let length = self.input.u32()?.into();
                self.input.long(length)?
            }
        };
        self.push(number.map_or(Value::Other("a long number"), Value::Int))
    }

    fn text(&mut self, opcode: u8) -> Result<()> {
        let length = match opcode {
            STRING => {
                let line = self.input.line()?;
                return self.push(Value::Text(line.trim_matches(['\'', '"']).to_owned()));
            }
            UNICODE => {
                let line = self.input.line()?;
                return self.push(Value::Text(line));
            }
            SHORT_BINSTRING | SHORT_BINUNICODE => self.input.u8()?.into(),
            BINSTRING | BINUNICODE => self.input.u32()?.into(),
            _ => self.input.u64()?,
        };
        let text = self.input.text(length)?;
        self.push(text.map_or(Value::Other("a long text"), Value::Text))
    }

    fn bytes(&mut self, opcode: u8) -> Result<()> {
        let length = match opcode {
            SHORT_BINBYTES => self.input.u8()?.into(),
            BINBYTES => self.input.u32()?.into(),
            _ => self.input.u64()?,
        };
        self.input.skip(length)?;
        self.push(Value::Other("bytes"))
    }

    fn collection(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            EMPTY_TUPLE => Value::Tuple(Vec::new()),
            TUPLE => Value::Tuple(self.above_mark()?),
            TUPLE1 => Value::Tuple(self.take(1)?),
            TUPLE2 => Value::Tuple(self.take(2)?),
            TUPLE3 => Value::Tuple(self.take(3)?),
            EMPTY_LIST => Value::List(Vec::new()),
            LIST => Value::List(self.above_mark()?),
            EMPTY_DICT => Value::Dict(Vec::new()),
            DICT => Value::Dict(pairs(self.above_mark()?)?),
            EMPTY_SET => Value::Other("a set"),
            _ => {
                self.above_mark()?;
                Value::Other("a set")
            }
        };
        self.push(value)
    }

    /// Adds to the collection on top what lies above it.
    fn fill(&mut self, opcode: u8) -> Result<()> {
        let added = match opcode {
            APPEND => self.take(1)?,
            SETITEM => self.take(2)?,
            _ => self.above_mark()?,
        };
        self.pickle.count_links(added.len())?;
        let keyed = matches!(opcode, SETITEM | SETITEMS);
        let top = self.top()?;
        match self.pickle.get_mut(top) {
            Value::Dict(items) | Value::Call { items, .. } if keyed => items.extend(pairs(added)?),
            Value::List(items) if !keyed => items.extend(added),
            // A subclass of list or a set: nothing weights are made of.
            Value::Call { .. } | Value::Other(_) if !keyed => {}
            _ => return Err(unlike("a collection to add to", self.pickle.kind(top))),
        }
        Ok(())
    }

    /// A class or a function by its name.
    fn named(&mut self, opcode: u8) -> Result<()> {
        if opcode == GLOBAL {
            let class = self.global_line()?;
            return self.push_id(class);
        }
        let parts = self.take(2)?;
        let text = |id| self.pickle.text(id).map(str::to_owned);
        let names = text(parts[0]).zip(text(parts[1]));
        let (module, name) = names.ok_or_else(|| unlike("the name of a class", "another value"))?;
        let class = self.class(&module, &name)?;
        self.push_id(class)
    }

    /// What a call would give.
    fn object(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            INST => {
                let class = self.global_line()?;
                let args = self.above_mark()?;
                self.call(class, args)
            }
            OBJ => {
                let mut args = self.above_mark()?;
                if args.is_empty() {
                    return Err(unlike("the name of a class", "nothing"));
                }
                let class = args.remove(0);
                self.call(class, args)
            }
            _ => {
                let parts = self.take(if opcode == NEWOBJ_EX { 3 } else { 2 })?;
                self.push(Value::Call { class: parts[0], args: parts[1], items: Vec::new() })
            }
        }
    }

    /// What a persistent id stands for.
    fn outside(&mut self, opcode: u8) -> Result<()> {
        let id = if opcode == PERSID {
            let name = self.input.line()?;
            self.pickle.add(Value::Text(name))?
        } else {
            self.pop()?
        };
        self.push(Value::Outside(id))
    }

    fn global_line(&mut self) -> Result<Id> {
        let module = self.input.line()?;
        let name = self.input.line()?;
        self.class(&module, &name)
    }

    fn class(&mut self, module: &str, name: &str) -> Result<Id> {
        let full = format!("{module}.{name}");
        name_of("a class", &full)?;
        if runs_programs(module, name) {
            return Err(Fault::Hostile(full));
        }
        self.pickle.add(Value::Class(full))
    }

    fn call(&mut self, class: Id, args: Vec<Id>) -> Result<()> {
        let args = self.pickle.add(Value::Tuple(args))?;
        self.push(Value::Call { class, args, items: Vec::new() })
    }

    fn push(&mut self, value: Value) -> Result<()> {
        let id = self.pickle.add(value)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<()> {
        if self.stack.len() >= DEEPEST {
            return Err(too_deep());
        }
        self.stack.push(id);
        Ok(())
    }

    /// Values under the last mark are out of reach until it is taken away.
    fn reachable(&self) -> usize {
        self.stack.len() - self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id> {
        if self.reachable() == 0 { Err(underflow()) } else { Ok(self.stack[self.stack.len() - 1]) }
    }

    fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn take(&mut self, count: usize) -> Result<Vec<Id>> {
        if self.reachable() < count {
            return Err(underflow());
        }
        Ok(self.stack.split_off(self.stack.len() - count))
    }

    fn above_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().ok_or_else(underflow)?;
        Ok(self.stack.split_off(mark))
    }
}

fn pairs(ids: Vec<Id>) -> Result<Vec<(Id, Id)>> {
    match ids.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
        _ => Err(unlike("a value for every key of a dictionary", "a key without one")),
    }
}

fn unlike(expected: &str, found: impl Into<String>) -> Fault {
    Fault::content(expected, found)
}

fn underflow() -> Fault {
    unlike("a whole pickle", "an instruction without its values")
}

fn too_deep() -> Fault {
    unlike("a pickle of sane depth", format!("more than {DEEPEST} open values"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(bytes: &[u8]) -> Result<Pickle> {
        load(&mut &bytes[..])
    }

    fn message(bytes: &[u8]) -> String {
        loaded(bytes).expect_err("the pickle is refused").to_string()
    }

    #[test]
    fn what_would_run_a_command_is_refused_by_name() {
        for bytes in [
            &b"cos\nsystem\n(S'rm -rf /'\ntR."[..],
            b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R.",
            b"(S'ls'\nios\nsystem\n.",
            b"c__builtin__\neval\n(S'1'\ntR.",
        ] {
            let message = message(bytes);
            assert!(message.contains("nothing was executed"), "{message}");
            assert!(["os.system", "posix.system", "__builtin__.eval"].iter().any(|name| message.contains(name)));
        }
    }

    #[test]
    fn unknown_classes_stay_names() {
        let pickle = loaded(b"cmodels\nTSN\n)R}b.").unwrap();
        assert_eq!(pickle.kind(pickle.root), "an object of models.TSN");
    }

    #[test]
    fn classes_of_absurd_names_are_refused() {
        let long = [b"c", &[b'm'; 600][..], b"\nTSN\n."].concat();
        assert_eq!(message(&long), "expected the name of a class in at most 512 bytes, found one of 604");
    }

    #[test]
    fn a_list_that_holds_itself_and_a_bomb_of_shared_lists_cost_little() {
        let cyclic = loaded(b"\x80\x02]q\x00h\x00a.").unwrap();
        assert!(matches!(cyclic.get(cyclic.root), Value::List(items) if items[..] == [cyclic.root]));
        // Each list holds the one before it twice: 2^200 leaves if they were copied.
        let mut bomb = b"\x80\x02]".to_vec();
        (0..200).for_each(|_| bomb.extend(b"2\x86"));
        bomb.push(b'.');
        assert_eq!(loaded(&bomb).unwrap().values().len(), 201);
    }

    #[test]
    fn deep_nesting_is_only_long() {
        let mut deep = vec![b']'; 100_000];
        deep.extend(vec![b'a'; 99_999]);
        deep.push(b'.');
        assert!(loaded(&deep).is_ok());
    }

    #[test]
    fn damaged_pickles_say_what_is_missing() {
        assert!(message(b"").contains("the end of the file"));
        assert!(message(b".").contains("without its values"));
        assert!(message(b"X\xff\xff\xff\x7fab").contains("the end of the file"));
        assert!(message(b"h\x07.").contains("memo"));
        assert!(message(b"\x80\x09N.").contains("protocol"));
        assert!(message(b"\xff").contains("0xff"));
        assert!(message(b"}(K\x01u.").contains("key"));
        assert!(message(&vec![b'N'; 3_000_000]).contains("at most"));
        assert!(message(&vec![b'('; 5_000_000]).contains("depth"));
    }

    #[test]
    fn numbers_of_every_width_are_read() {
        let value = |bytes: &[u8]| match loaded(bytes).unwrap() {
            pickle if pickle.count(pickle.root).is_some() => pickle.count(pickle.root).unwrap() as i64,
            pickle => match pickle.get(pickle.root) {
                Value::Int(number) => *number,
                other => panic!("{other:?}"),
            },
        };
        assert_eq!(value(b"K\x07."), 7);
        assert_eq!(value(b"M\x00\x01."), 256);
        assert_eq!(value(b"J\xff\xff\xff\xff."), -1);
        assert_eq!(value(b"\x8a\x02\x00\xff."), -256);
        assert_eq!(value(b"L12L\n."), 12);
        assert_eq!(value(b"I5\n."), 5);
        let magic = loaded(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").unwrap();
        assert_eq!(magic.kind(magic.root), "a long number");
    }
}
